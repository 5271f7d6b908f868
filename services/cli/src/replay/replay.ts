import type { JobRecording } from '@upshift/contracts';

import { say, show } from '../print.ts';
import { usableConfig } from '../usable-config.ts';
import { compare } from './compare.ts';
import type { RecordedPlay } from './compare.ts';
import { playAll } from './engine.ts';
import { linesOf } from './print-report.ts';
import { readBook } from './read-book.ts';
import { createCallIndex } from './recorded-calls.ts';

/** `upshift replay`: the jobs of a book under another configuration, on this machine alone. Returns the exit code. */
export async function replay(book: string, { config: file, json }: { config: string; json: boolean }): Promise<number> {
  const config = usableConfig(file);
  const recordings = await readBook(book);
  const callsOf = createCallIndex(recordings);
  const plays = recordings.map((recording) => playOf(recording, callsOf));
  const report = compare(
    await playAll(plays, config),
    config.tiers.map(({ name }) => name),
  );
  if (json) say(linesOf(report).join('\n'));
  return show(json, report, linesOf(report));
}

/** A deadline would be past by now. */
function playOf(recording: JobRecording, callsOf: ReturnType<typeof createCallIndex>): RecordedPlay {
  const { deadline: _deadline, ...limits } = recording.request.limits;
  return {
    key: recording.job,
    seed: recording.seed,
    request: { ...recording.request, limits },
    calls: callsOf(recording),
    recording,
  };
}
