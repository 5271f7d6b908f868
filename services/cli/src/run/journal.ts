import { createHash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, existsSync, openSync, readFileSync } from 'node:fs';

import { CommandError, exitCode } from '../exit-code.ts';
import { isRunning } from '../local-redis-process.ts';
import { refuseSameFile } from '../same-file.ts';
import { writeWhole } from '../write-file.ts';
import { keepWholeLines, readLines } from './read-lines.ts';
import type { RowOptions } from './read-rows.ts';

/** A run of a file, by which its jobs are known: started again it goes on, and submits nothing twice. */
export interface Journal {
  id: string;
  /** Lines of the output that are written already: results of the first rows. */
  written: number;
  finish(): void;
}

export interface JournalOptions {
  input: string;
  output: string;
  /** The API that has the jobs. */
  url: string;
  /** Whether that API has this job. */
  hasJob: (id: string) => Promise<boolean>;
  /** How the rows are read. */
  options: RowOptions;
  /** Overwrites whatever stands there. */
  force: boolean;
}

interface Stored {
  id: string;
  url: string;
  input: string;
  finished: boolean;
  /** The process that runs it. */
  pid: number;
}

/** Opens the run beside its output. Throws a `CommandError` where the output belongs to something else. */
export async function openJournal({ input, output, url, hasJob, options, force }: JournalOptions): Promise<Journal> {
  refuseSameFile('--out', output, input);
  const file = `${output}.run.json`;
  const hash = await hashOf(input, options);
  const last = existsSync(file) && !force ? (JSON.parse(readFileSync(file, 'utf8')) as Stored) : null;
  if (last === null && existsSync(output) && !force)
    throw new CommandError(
      `${output} exists and is no unfinished run. Choose another --out, or --force to overwrite it.`,
      exitCode.refused,
    );
  if (last && !last.finished && last.pid !== process.pid && (await isRunning(last.pid)))
    throw new CommandError(`Process ${last.pid} is at work on ${output}. Let it end, or stop it first.`, exitCode.refused);
  if (last?.finished) throw new CommandError(`${output} is finished. Use --force to run it anew.`, exitCode.refused);
  if (last && last.input !== hash)
    throw new CommandError(
      `${output} was begun with another input or other options. Use --force to begin anew.`,
      exitCode.refused,
    );
  // The same one may answer at another address.
  if (last && last.url !== url && !(await hasJobOf(output, hasJob)))
    throw new CommandError(
      `${output} was begun with the API at ${last.url}, which has its jobs; this is ${url}. Name that one with --url, or use --force to begin anew.`,
      exitCode.refused,
    );
  const id = last?.id ?? randomUUID();
  const save = (finished: boolean): void => {
    const stored: Stored = { id, url, input: hash, finished, pid: process.pid };
    writeWhole(file, JSON.stringify(stored));
  };
  save(false);
  if (last === null) closeSync(openSync(output, 'w'));
  else closeSync(openSync(output, 'a'));
  return { id, written: await dropTornLine(output), finish: () => save(true) };
}

async function hasJobOf(output: string, hasJob: JournalOptions['hasJob']): Promise<boolean> {
  for await (const line of readLines(output)) {
    const id = jobOf(line);
    if (id !== null) return hasJob(id);
  }
  return false;
}

/** The job of a result; null where the row was refused, or the line is torn. */
function jobOf(line: string): string | null {
  try {
    return (JSON.parse(line) as { id?: string }).id ?? null;
  } catch {
    return null;
  }
}

async function hashOf(input: string, options: RowOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for await (const chunk of createReadStream(input)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Cuts off what a crash left of a last line. Returns how many whole lines there are. */
async function dropTornLine(output: string): Promise<number> {
  let lines = 0;
  await keepWholeLines(output, () => void (lines += 1));
  return lines;
}
