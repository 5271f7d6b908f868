import { isUtf8 } from 'node:buffer';
import { createReadStream, truncateSync } from 'node:fs';

import { utf8Text } from '@upshift/runtime';

import { CommandError, exitCode } from '../exit-code.ts';

const NEWLINE = 0x0a;

/**
 * The lines of a file, or of standard input where none is named, one by one. Only a newline ends a line: JSON strings may hold other
 * separators. Files that were joined may have a byte order mark before any of their lines. Throws a `CommandError` at the first that is not UTF-8.
 */
export async function* readLines(file?: string): AsyncGenerator<string> {
  for await (const bytes of rawLines(file)) yield utf8Text(bytes)!.replace(/\n$/, '');
}

/** A line that is not blank. */
export interface Line {
  text: string;
  /** From 1; blank ones count. */
  number: number;
  /** For an error, as in `labels.jsonl, line 7`. */
  where: string;
}

/** The lines of `readLines` that are not blank, with where they stand. */
export async function* numberedLines(file?: string): AsyncGenerator<Line> {
  let number = 0;
  for await (const text of readLines(file)) {
    number += 1;
    if (text.trim() !== '') yield { text, number, where: placeOf(file, number) };
  }
}

function placeOf(file: string | undefined, line: number): string {
  return `${file ?? 'standard input'}, line ${line}`;
}

/** As `readLines`, each as it stands, with the newline at its end. What is not UTF-8 is refused, for it would be read as another text. */
export async function* rawLines(file?: string): AsyncGenerator<Buffer> {
  let number = 0;
  for await (const bytes of byteLines(file)) {
    number += 1;
    if (!isUtf8(bytes)) throw new CommandError(`${placeOf(file, number)}, is not UTF-8; save it as UTF-8.`, exitCode.refused);
    yield bytes;
  }
}

/** Whatever they are, each with the newline at its end; the last one may have none. */
async function* byteLines(file?: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of bytesOf(file)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at + 1)]);
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** Shows each line that is whole, and cuts off what a process that was killed has left of another one behind them. */
export async function keepWholeLines(file: string, show: (line: Buffer) => void): Promise<void> {
  let size = 0;
  for await (const line of byteLines(file)) {
    if (line.at(-1) !== NEWLINE) break;
    size += line.length;
    show(line);
  }
  truncateSync(file, size);
}

/** Standard input may be a socket, which can not be opened by its name. */
function bytesOf(file: string | undefined): AsyncIterable<Buffer> {
  if (file === undefined) return process.stdin;
  // Of a folder Node says that it can not be read, and not which.
  return createReadStream(file).on('error', (error: NodeJS.ErrnoException) => (error.path ??= file));
}
