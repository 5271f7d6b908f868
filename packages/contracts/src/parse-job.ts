import type { z } from 'zod';

import type { FieldError } from './errors.ts';
import { chatInput, embeddingInput, promptInput } from './input.ts';
import { jobRequest } from './job.ts';
import type { JobRequest } from './job.ts';
import { knownKeys } from './known-keys.ts';

/** One schema per kind of input, so that an error speaks of the kind that was meant and not of all three. */
const schemas = {
  messages: jobRequest.extend({ input: chatInput }),
  prompt: jobRequest.extend({ input: promptInput }),
  texts: jobRequest.extend({ input: embeddingInput }),
};

/** Reads the body of `POST /v1/jobs`: a job, or every bad field at once. */
export function parseJobRequest(body: unknown): { request: JobRequest } | { errors: FieldError[] } {
  const schema = schemas[kindOf(body)];
  const parsed = schema.safeParse(body);
  if (!parsed.success) return { errors: parsed.error.issues.flatMap((issue) => fieldErrorsOf(issue, body, schema)) };
  return { request: { ...parsed.data, input: withMessages(parsed.data.input) } };
}

function kindOf(body: unknown): keyof typeof schemas {
  const input = typeof body === 'object' && body !== null && 'input' in body ? body.input : null;
  if (typeof input !== 'object' || input === null) return 'messages';
  return 'texts' in input ? 'texts' : 'prompt' in input ? 'prompt' : 'messages';
}

type AnyInput = z.infer<typeof chatInput> | z.infer<typeof promptInput> | z.infer<typeof embeddingInput>;

function withMessages(input: AnyInput): JobRequest['input'] {
  if (!('prompt' in input)) return input;
  const { prompt, ...settings } = input;
  return { messages: [{ role: 'user', content: prompt }], ...settings };
}

/** Values longer than this are not sent back: a client knows its own prompt. */
const LONGEST_VALUE = 200;

function fieldErrorsOf(issue: z.core.$ZodIssue, body: unknown, schema: z.ZodType): FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [fieldErrorAt(issue.path, issue.message, body)];
  const known = knownKeys(schema, issue.path).join(', ');
  return issue.keys.map((key) => fieldErrorAt([...issue.path, key], `is not known here; known: ${known}`, body));
}

function fieldErrorAt(path: PropertyKey[], message: string, body: unknown): FieldError {
  const value = path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    body,
  );
  const shown = value !== undefined && JSON.stringify(value).length <= LONGEST_VALUE ? { value } : {};
  return { field: fieldName(path), ...shown, message };
}

function fieldName(path: PropertyKey[]): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return name.replace(/^\./, '') || 'the body';
}
