import { z } from 'zod';

import { wrongFields } from '../parse-line.ts';
import { chatBody } from './openai-chat.ts';
import { embeddingsBody, responsesBody } from './openai-responses.ts';

const batchLine = z.discriminatedUnion('url', [
  z.strictObject({
    custom_id: z.string().min(1),
    method: z.literal('POST'),
    url: z.literal('/v1/chat/completions'),
    body: chatBody,
  }),
  z.strictObject({
    custom_id: z.string().min(1),
    method: z.literal('POST'),
    url: z.literal('/v1/responses'),
    body: responsesBody,
  }),
  z.strictObject({
    custom_id: z.string().min(1),
    method: z.literal('POST'),
    url: z.literal('/v1/embeddings'),
    body: embeddingsBody,
  }),
]);

/** What these fields say where they say what OpenAI takes for granted, and a job does too. Tools that export requests write them out. */
const usual = new Map<string, readonly unknown[]>(
  Object.entries({
    n: [1],
    frequency_penalty: [0],
    presence_penalty: [0],
    logprobs: [false],
    parallel_tool_calls: [true],
    service_tier: ['auto', 'default'],
    store: [false],
    truncation: ['disabled'],
    verbosity: ['medium'],
  }),
);

/** A job, made of a line of an OpenAI batch; or why it can not be. `model` is left to the router. */
export function rowOfBatchLine(given: object): { customId: string | null; job: object | null; error: string | null } {
  const line = 'body' in given ? { ...given, body: withoutUsual(given.body) } : given;
  const parsed = batchLine.safeParse(line);
  const customId = 'custom_id' in line && typeof line.custom_id === 'string' ? line.custom_id : null;
  if (parsed.success) return { customId, job: jobOf(parsed.data.body), error: null };
  // What is known in a line depends on its address.
  const schema = batchLine.options.find(({ shape }) => 'url' in line && line.url === shape.url.value) ?? batchLine;
  return { customId, job: null, error: wrongFields(parsed.error, line, schema).join('; ') };
}

/** `user` is what experiments know as `metadata.user`. */
function jobOf({ metadata, user, ...input }: z.output<typeof batchLine>['body']): object {
  const named = { ...(user !== undefined && { user }), ...metadata };
  return { input: withoutUndefined(input), ...(Object.keys(named).length > 0 && { metadata: named }) };
}

/** Clients also write null for what they leave out. */
function withoutUsual(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([key, value]) => value !== null && !usual.get(key)?.includes(value)));
}

function withoutUndefined(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
