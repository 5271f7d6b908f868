/** A line of a request. `tooLong` is the limit in bytes that it passed, and its text is empty then. */
export interface Line {
  /** From 1, blank lines counted. */
  number: number;
  text: string;
  tooLong: number | null;
}

const NEWLINE = 0x0a;

/** Splits bytes into lines; blank ones are left out. A line over the limit is skipped as it comes, and never held whole. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= limitBytes) parts.push(part);
    else parts = [];
  };
  const take = (): Line => {
    number += 1;
    const tooLong = bytes > limitBytes ? limitBytes : null;
    const line = { number, text: tooLong === null ? Buffer.concat(parts).toString('utf8') : '', tooLong };
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      const line = take();
      if (!isBlank(line)) yield line;
    }
    add(chunk.subarray(from));
  }
  const last = take();
  if (!isBlank(last)) yield last;
}

function isBlank({ text, tooLong }: Line): boolean {
  return tooLong === null && text.trim() === '';
}
