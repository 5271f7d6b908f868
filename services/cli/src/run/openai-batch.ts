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

/** The input of a job, made of a line of an OpenAI batch; or why it can not be. `model` is left to the router. */
export function rowOfBatchLine(line: object): { customId: string | null; input: object | null; error: string | null } {
  const parsed = batchLine.safeParse(line);
  const customId = 'custom_id' in line && typeof line.custom_id === 'string' ? line.custom_id : null;
  if (parsed.success) return { customId, input: withoutUndefined(parsed.data.body), error: null };
  // What is known in a line depends on its address.
  const schema = batchLine.options.find(({ shape }) => 'url' in line && line.url === shape.url.value) ?? batchLine;
  return { customId, input: null, error: wrongFields(parsed.error, line, schema).join('; ') };
}

function withoutUndefined(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
