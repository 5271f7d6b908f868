import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import type { JobRecording } from '@upshift/contracts';

import { CommandError, exitCode } from '../exit-code.ts';

/** A book that is being written beside its place: it appears there whole or not at all, and an unfinished one is gone on with. */
export interface PartFile {
  file: string;
  /** Jobs that an earlier process has written. */
  written: number;
  redactions: number;
  /** After which job to go on. */
  lastJob: string | null;
  write(recordings: JobRecording[]): void;
  finish(): void;
}

/** Opens the part that belongs to the same choice of jobs. Throws a `CommandError` where the book exists. */
export function openPart(out: string, choice: object, force: boolean): PartFile {
  if (existsSync(out) && !force)
    throw new CommandError(`${out} exists. Choose another --out, or --force to overwrite it.`, exitCode.refused);
  const file = `${out}.${createHash('sha256').update(JSON.stringify(choice)).digest('hex').slice(0, 8)}.part`;
  const lines = existsSync(file) ? wholeLines(file) : [];
  // For its owner alone: it holds what clients wrote.
  const put = (some: string[], flag: 'w' | 'a'): void =>
    writeFileSync(file, some.map((line) => `${line}\n`).join(''), { mode: 0o600, flag });
  if (existsSync(file)) put(lines, 'w');
  const recordings = lines.map((line) => JSON.parse(line) as JobRecording);
  return {
    file,
    written: recordings.length,
    redactions: recordings.reduce((sum, { redactions }) => sum + redactions, 0),
    lastJob: recordings.at(-1)?.job ?? null,
    write: (more) =>
      put(
        more.map((recording) => JSON.stringify(recording)),
        'a',
      ),
    finish() {
      put([], 'a');
      renameSync(file, out);
    },
  };
}

/** The last line is cut off where the process was killed while it wrote. */
function wholeLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}
