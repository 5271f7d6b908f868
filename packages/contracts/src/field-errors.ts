import type { z } from 'zod';

import type { FieldError } from './errors.ts';
import { knownKeys } from './known-keys.ts';

/** Values longer than this are not sent back: a client knows its own prompt. */
const LONGEST_VALUE = 200;

/** Every bad field of a value that a schema has refused, with what was there and what would be right. */
export function fieldErrors(error: z.ZodError, value: unknown, schema: z.ZodType): FieldError[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [fieldErrorAt(issue.path, issue.message, value)];
    const known = knownKeys(schema, issue.path).join(', ');
    return issue.keys.map((key) => fieldErrorAt([...issue.path, key], `is not known here; known: ${known}`, value));
  });
}

function fieldErrorAt(path: PropertyKey[], message: string, root: unknown): FieldError {
  const value = path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    root,
  );
  const shown = value !== undefined && JSON.stringify(value).length <= LONGEST_VALUE ? { value } : {};
  return { field: fieldName(path), ...shown, message };
}

function fieldName(path: PropertyKey[]): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return name.replace(/^\./, '') || 'the body';
}
