import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';

import type { JobRecording } from '@upshift/contracts';

import { CommandError, exitCode } from '../exit-code.ts';
import { keepWholeLines } from '../run/read-lines.ts';
import { naming } from '../write-file.ts';

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
export async function openPart(out: string, choice: object, force: boolean): Promise<PartFile> {
  if (existsSync(out) && !force)
    throw new CommandError(`${out} exists. Choose another --out, or --force to overwrite it.`, exitCode.refused);
  const file = `${out}.${createHash('sha256').update(JSON.stringify(choice)).digest('hex').slice(0, 8)}.part`;
  const begun = await begunIn(file);
  const append = (recordings: JobRecording[]): void => {
    const text = recordings.map((recording) => `${JSON.stringify(recording)}\n`).join('');
    // For its owner alone: it holds what clients wrote.
    naming(file, () => writeFileSync(file, text, { mode: 0o600, flag: 'a' }));
  };
  return {
    file,
    ...begun,
    write: append,
    finish() {
      append([]);
      renameSync(file, out);
    },
  };
}

/** What a part holds already. */
async function begunIn(file: string): Promise<Pick<PartFile, 'written' | 'redactions' | 'lastJob'>> {
  const begun = { written: 0, redactions: 0, lastJob: null as string | null };
  if (!existsSync(file)) return begun;
  await keepWholeLines(file, (line) => {
    const { job, redactions } = JSON.parse(line.toString()) as JobRecording;
    begun.written += 1;
    begun.redactions += redactions;
    begun.lastJob = job;
  });
  return begun;
}
