import { fieldErrors, fieldName } from '@upshift/contracts';
import type { z } from 'zod';

import { CommandError, exitCode } from './exit-code.ts';

/**
 * What a line of JSON says. Throws a `CommandError` that names what is wrong with it.
 *
 * @param shape an example of a line that is right
 */
export function parseLine<Schema extends z.ZodType>(
  { text, where }: { text: string; where: string },
  schema: Schema,
  shape: string,
): z.output<Schema> {
  const value = jsonOf(text, where, shape);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = wrongFields(parsed.error, value, schema);
  throw new CommandError(`${where}: ${first}; a line is ${shape}`, exitCode.refused);
}

/** What is wrong with each field of what a schema has refused; of the whole, what is wrong alone. */
export function wrongFields(error: z.ZodError, value: unknown, schema: z.ZodType): string[] {
  return fieldErrors(error, value, schema).map(({ field, value: given, message }) => {
    if (field === fieldName([])) return message;
    return `${field}${given === undefined ? '' : ` (${JSON.stringify(given)})`}: ${message}`;
  });
}

function jsonOf(text: string, where: string, shape: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`${where} is not JSON; a line is ${shape}`, exitCode.refused);
  }
}
