import { fieldErrors, ProblemError } from '@upshift/contracts';
import type { ProblemCode } from '@upshift/contracts';
import type { z } from 'zod';

/** What a client has given, as a schema reads it. Throws a `ProblemError` with every bad field. */
export function parse<Schema extends z.ZodType>(schema: Schema, given: unknown, code: ProblemCode): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw ProblemError.ofFields(code, fieldErrors(parsed.error, given, schema));
}
