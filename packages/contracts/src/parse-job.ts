import type { z } from 'zod';

import type { FieldError } from './errors.ts';
import { fieldErrors } from './field-errors.ts';
import { chatInput, embeddingInput, promptInput } from './input.ts';
import { jobRequest } from './job.ts';
import type { JobRequest } from './job.ts';

/** One schema per kind of input, so that an error speaks of the kind that was meant and not of all three. */
const schemas = {
  messages: jobRequest.extend({ input: chatInput }),
  prompt: jobRequest.extend({ input: promptInput }),
  texts: jobRequest.extend({ input: embeddingInput }),
};

/** Reads the body of `POST /v1/jobs`: a job, or every bad field at once. */
export function parseJobRequest(body: unknown): { request: JobRequest } | { errors: FieldError[] } {
  const kind = kindOf(body);
  const parsed = schemas[kind ?? 'messages'].safeParse(body);
  if (!parsed.success) return { errors: fieldErrors(parsed.error, body, kind === null ? jobRequest : schemas[kind]) };
  return { request: { ...parsed.data, input: withMessages(parsed.data.input) } };
}

/** Null where nothing says which kind was meant. */
function kindOf(body: unknown): keyof typeof schemas | null {
  const input = typeof body === 'object' && body !== null && 'input' in body ? body.input : null;
  if (typeof input !== 'object' || input === null) return null;
  return (['texts', 'prompt', 'messages'] as const).find((kind) => kind in input) ?? null;
}

type AnyInput = z.infer<typeof chatInput> | z.infer<typeof promptInput> | z.infer<typeof embeddingInput>;

function withMessages(input: AnyInput): JobRequest['input'] {
  if (!('prompt' in input)) return input;
  const { prompt, ...settings } = input;
  return { messages: [{ role: 'user', content: prompt }], ...settings };
}
