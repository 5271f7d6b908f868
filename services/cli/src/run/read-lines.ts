import { createReadStream } from 'node:fs';

/** The lines of a file, one by one. Only a newline ends a line: JSON strings may hold other separators. */
export async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  let first = true;
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    // Windows programs begin files with a byte order mark.
    const lines = (first ? chunk.replace(/^\uFEFF/, '') : rest + chunk).split('\n');
    first = false;
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
