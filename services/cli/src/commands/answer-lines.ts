import { once } from 'node:events';

import { fieldErrors } from '@upshift/contracts';
import type { z } from 'zod';

import { CommandError, exitCode } from '../exit-code.ts';
import { readLines } from '../run/read-lines.ts';

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
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.trim() === '') continue;
    const text = `${JSON.stringify(answer(parse(line, number, schema, shape)))}\n`;
    // A reader that is slower than we are is waited for.
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }
  return exitCode.ok;
}

function parse<Schema extends z.ZodType>(line: string, number: number, schema: Schema, shape: string): z.output<Schema> {
  const value = jsonOf(line, number, shape);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = fieldErrors(parsed.error, value, schema);
  throw new CommandError(`line ${number}: ${first?.field ?? ''} ${first?.message ?? ''}; a line is ${shape}`, exitCode.refused);
}

function jsonOf(line: string, number: number, shape: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(`line ${number} is not JSON; a line is ${shape}`, exitCode.refused);
  }
}
