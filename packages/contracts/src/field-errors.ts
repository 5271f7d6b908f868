import type { z } from 'zod';

import type { FieldError } from './errors.ts';
import { knownKeys } from './known-keys.ts';

/** Values longer than this are not sent back: a client knows its own prompt. */
const LONGEST_VALUE = 200;

/** Every bad field of a value that a schema has refused, with what was there and what would be right. */
export function fieldErrors(error: z.ZodError, value: unknown, schema: z.ZodType): FieldError[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      const given = valueAt(issue.path, value);
      // What a schema makes of a text, as a list of its parts, stands in the issue alone.
      return [fieldError(issue.path, issue.message, given === undefined ? issue.input : given)];
    }
    const known = knownKeys(schema, issue.path).join(', ');
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return fieldError(path, `is not known here; known: ${known}`, valueAt(path, value));
    });
  });
}

function valueAt(path: PropertyKey[], root: unknown): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    root,
  );
}

function fieldError(path: PropertyKey[], message: string, value: unknown): FieldError {
  const field = fieldName(path);
  // JSON has no word for it: as a value it would be null.
  if (value === Infinity || value === -Infinity)
    return { field, value: String(value), message: 'must be a number within ±1.8e308; what is beyond is read as infinite' };
  const shown = value !== undefined && JSON.stringify(value).length <= LONGEST_VALUE ? { value } : {};
  return { field, ...shown, message };
}

function fieldName(path: PropertyKey[]): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return name.replace(/^\./, '') || 'the body';
}
