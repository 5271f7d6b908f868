import { fieldErrors } from '@upshift/contracts';
import type { z } from 'zod';

import { CommandError, exitCode } from './exit-code.ts';

/**
 * What a line of JSON says. Throws a `CommandError` that names what is wrong with it.
 *
 * @param where it stands, as in `labels.jsonl, line 7`
 * @param shape an example of a line that is right
 */
export function parseLine<Schema extends z.ZodType>(
  line: string,
  where: string,
  schema: Schema,
  shape: string,
): z.output<Schema> {
  const value = jsonOf(line, where, shape);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = fieldErrors(parsed.error, value, schema);
  // Of the line as a whole `where` has said it.
  const field = parsed.error.issues[0]?.path.length === 0 ? '' : `${first?.field}: `;
  throw new CommandError(`${where}: ${field}${first?.message}; a line is ${shape}`, exitCode.refused);
}

function jsonOf(line: string, where: string, shape: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(`${where} is not JSON; a line is ${shape}`, exitCode.refused);
  }
}
