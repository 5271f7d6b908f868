import type { z } from 'zod';

import type { FieldError } from './errors.ts';
import { knownKeys } from './known-keys.ts';
import { issuesOf, wordsOf } from './words-of-issue.ts';

/** Values longer than this are not sent back: a client knows its own prompt. */
const LONGEST_VALUE = 200;

/** Every bad field of a value that a schema has refused, with what was there and what would be right. */
export function fieldErrors(error: z.ZodError, value: unknown, schema: z.ZodType): FieldError[] {
  return issuesOf(error).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      const given = valueAt(issue.path, value);
      // What a schema makes of a text, as a list of its parts, stands in the issue alone.
      return [fieldError(issue.path, messageOf(issue, given), given === undefined ? issue.input : given)];
    }
    const known = `; known: ${knownKeys(schema, issue.path).join(', ') || 'none'}`;
    return issue.keys.map((key, index) => {
      const path = [...issue.path, key];
      // Once: a body may have 100,000 of them.
      return fieldError(path, `is not known here${index === 0 ? known : ''}`, valueAt(path, value));
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

/** Of a number that is too large to be one zod says that a number was expected, and a number received. */
function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  const isBeyond = isInfinite(value) && issue.code === 'invalid_type' && issue.expected === 'number';
  return isBeyond ? 'must be a number within ±1.8e308; what is beyond is read as infinite' : wordsOf(issue);
}

/** What is wrong with a field, with its value where that is short. */
export function fieldError(path: PropertyKey[], message: string, value: unknown): FieldError {
  // JSON has no word for it: as a value it would be null.
  const there = isInfinite(value) ? String(value) : value;
  return { field: fieldName(path), ...(isShort(there) ? { value: there } : {}), message };
}

function isShort(value: unknown): boolean {
  try {
    return value !== undefined && JSON.stringify(value).length <= LONGEST_VALUE;
  } catch {
    // Nested so deep that it can not be written.
    return false;
  }
}

function isInfinite(value: unknown): boolean {
  return value === Infinity || value === -Infinity;
}

export function fieldName(path: PropertyKey[]): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return name.replace(/^\./, '') || 'the body';
}
