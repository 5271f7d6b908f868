import { existsSync } from 'node:fs';

import { jobRecording } from '@upshift/contracts';
import type { JobRecording } from '@upshift/contracts';

import { CommandError, exitCode } from '../exit-code.ts';
import { parseLine } from '../parse-line.ts';
import { numberedLines } from '../run/read-lines.ts';

/** Reads an answer book, each job once: books may be joined. Throws a `CommandError` that names the first line which is no recording. */
export async function readBook(file: string): Promise<JobRecording[]> {
  if (!existsSync(file))
    throw new CommandError(`There is no ${file}; npx upshift record --out ${file} writes one.`, exitCode.refused);
  const recordings = new Map<string, JobRecording>();
  for await (const line of numberedLines(file)) {
    const recording = parseLine(line, jobRecording, 'a recording, as npx upshift record writes it');
    recordings.set(recording.job, recording);
  }
  return [...recordings.values()];
}
