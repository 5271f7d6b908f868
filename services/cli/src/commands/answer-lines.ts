import { once } from 'node:events';

import type { z } from 'zod';

import { exitCode } from '../exit-code.ts';
import { parseLine } from '../parse-line.ts';
import { numberedLines } from '../run/read-lines.ts';

/**
 * Answers JSON lines of a file or of standard input, a line each, in their order. The whole stops at the first line that can
 * not be read; `shape` is an example for the error.
 */
export async function answerLines<Schema extends z.ZodType>(
  file: string | undefined,
  schema: Schema,
  shape: string,
  answer: (line: z.output<Schema>) => object,
): Promise<number> {
  for await (const line of numberedLines(file)) {
    const text = `${JSON.stringify(answer(parseLine(line, schema, shape)))}\n`;
    // A reader that is slower than we are is waited for.
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }
  return exitCode.ok;
}
