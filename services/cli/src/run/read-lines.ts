import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';

import { CommandError, exitCode } from '../exit-code.ts';

const NEWLINE = 0x0a;

/**
 * The lines of a file, or of standard input where none is named, one by one. Only a newline ends a line: JSON strings may hold other
 * separators. Throws a `CommandError` at the first that is not UTF-8: what is read instead would be another text.
 */
export async function* readLines(file?: string): AsyncGenerator<string> {
  let number = 0;
  for await (const bytes of rawLines(file)) {
    number += 1;
    if (!isUtf8(bytes))
      throw new CommandError(`${file ?? 'standard input'}, line ${number}, is not UTF-8; save it as UTF-8.`, exitCode.refused);
    // Windows programs begin files with a byte order mark.
    yield number === 1 ? bytes.toString().replace(/^\uFEFF/, '') : bytes.toString();
  }
}

async function* rawLines(file: string | undefined): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of bytesOf(file)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** Standard input may be a socket, which can not be opened by its name. */
function bytesOf(file: string | undefined): AsyncIterable<Buffer> {
  if (file === undefined) return process.stdin;
  // Of a folder Node says that it can not be read, and not which.
  return createReadStream(file).on('error', (error: NodeJS.ErrnoException) => (error.path ??= file));
}
