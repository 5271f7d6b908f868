import { z } from 'zod';

import { aboutTheJob, plainMessage, responsesFormat, responsesTool, sharedSettings } from './openai-chat.ts';

/** The body of a response, as the input of a job. */
export const responsesBody = z
  .strictObject({
    ...sharedSettings,
    input: z.union([z.string(), z.array(plainMessage).min(1)]),
    instructions: z.string().optional(),
    max_output_tokens: z.int().optional(),
    reasoning: z.strictObject({ effort: z.string().nullish() }).optional(),
    text: z.strictObject({ format: responsesFormat.optional() }).optional(),
    tools: z.array(responsesTool).optional(),
  })
  .transform(({ model: _model, stream: _stream, input, instructions, reasoning, text, ...same }) => ({
    ...same,
    messages: [
      ...(instructions === undefined ? [] : [{ role: 'system' as const, content: instructions }]),
      ...(typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input),
    ],
    reasoning_effort: reasoning?.effort ?? undefined,
    response_format: text?.format,
  }));

/** The body of a request for embeddings, as the input of a job. */
export const embeddingsBody = z
  .strictObject({
    model: z.string().optional(),
    input: z.union([z.string(), z.array(z.string()).min(1)]),
    encoding_format: z.literal('float').optional(),
    ...aboutTheJob,
  })
  .transform(({ input, metadata, user }) => ({ texts: [input].flat(), metadata, user }));
