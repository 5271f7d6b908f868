import { utf8Text } from '@upshift/runtime';

/** A line of a request. `tooLong` is the limit in bytes that it passed, and its text is empty then. */
export interface Line {
  /** From 1, blank lines counted. */
  number: number;
  /** Null where it is not UTF-8: it would be another text. */
  text: string | null;
  tooLong: number | null;
}

const NEWLINE = 0x0a;

/** Lines handed on together: a chunk of a request may hold thousands of short ones. */
const MOST_TOGETHER = 256;

/**
 * Splits bytes into lines, handed on as they come: those that end in one chunk together. Blank ones are left out. A line over the limit
 * is skipped as it comes, and never held whole.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Line[]> {
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  let lines: Line[] = [];
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= limitBytes) parts.push(part);
    else parts = [];
  };
  const endLine = (): void => {
    number += 1;
    const tooLong = bytes > limitBytes ? limitBytes : null;
    const text = tooLong === null ? textOf(parts) : '';
    if (tooLong !== null || text?.trim() !== '') lines.push({ number, text, tooLong });
    parts = [];
    bytes = 0;
  };
  const takeLines = (): Line[] => {
    const taken = lines;
    lines = [];
    return taken;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      endLine();
      if (lines.length === MOST_TOGETHER) yield takeLines();
    }
    add(chunk.subarray(from));
    if (lines.length > 0) yield takeLines();
  }
  endLine();
  if (lines.length > 0) yield takeLines();
}

/** Without a byte order mark: files that were joined may have one before any of their lines. */
function textOf(parts: Buffer[]): string | null {
  return utf8Text(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
}
