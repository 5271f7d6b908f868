import { createReadStream } from 'node:fs';

/** The lines of a file, or of standard input where none is named, one by one. Only a newline ends a line: JSON strings may hold other separators. */
export async function* readLines(file?: string): AsyncGenerator<string> {
  let rest = '';
  let first = true;
  for await (const chunk of textOf(file)) {
    // Windows programs begin files with a byte order mark.
    const lines = (first ? chunk.replace(/^\uFEFF/, '') : rest + chunk).split('\n');
    first = false;
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Standard input may be a socket, which can not be opened by its name. */
function textOf(file: string | undefined): AsyncIterable<string> {
  if (file === undefined) return process.stdin.setEncoding('utf8');
  // Of a folder Node says that it can not be read, and not which.
  return createReadStream(file, 'utf8').on('error', (error: NodeJS.ErrnoException) => (error.path ??= file));
}
