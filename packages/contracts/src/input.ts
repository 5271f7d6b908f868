import { z } from 'zod';

/** What a job asks a model: a conversation, or texts to embed. The names follow the vendors' own where they agree. */

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
/** The URL is passed on to the provider and never fetched by Upshift. */
const imagePart = z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string().min(1) }) });

const contentPart = z.discriminatedUnion('type', [textPart, imagePart]);
export type ContentPart = z.infer<typeof contentPart>;

const content = z.union(
  [z.string(), z.array(contentPart).min(1).max(200)],
  'must be a text, or a list of {"type": "text", "text": …} and {"type": "image_url", "image_url": {"url": …}}',
);

/** Arguments are the JSON text that the model wrote. */
export const toolCall = z.strictObject({ id: z.string().min(1), name: z.string().min(1), arguments: z.string() });
export type ToolCall = z.infer<typeof toolCall>;

export const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content }),
  z.strictObject({ role: z.literal('assistant'), content: z.string(), tool_calls: z.array(toolCall).max(128).optional() }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string().min(1), content: z.string() }),
]);
export type Message = z.infer<typeof message>;

const jsonSchema = z.record(z.string(), z.unknown());

export const tool = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a tool name has 1 to 64 letters, digits, _ or -'),
  description: z.string().max(4096).optional(),
  parameters: jsonSchema,
});
export type Tool = z.infer<typeof tool>;

/** As OpenAI has it. */
const schemaName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a schema name has 1 to 64 letters, digits, _ or -');

const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({ type: z.literal('json_schema'), name: schemaName.default('answer'), schema: jsonSchema }),
]);

/** Sampling parameters are preferences: a model that rejects them never sees them, unless the job lists them in `require`. */
export const samplingParameter = z.enum(['temperature', 'top_p', 'seed', 'stop']);
export type SamplingParameter = z.infer<typeof samplingParameter>;

export const reasoningEffort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
export type ReasoningEffort = z.infer<typeof reasoningEffort>;

const settings = {
  max_output_tokens: z.int().positive().max(1_000_000).optional(),
  tools: z.array(tool).max(128).default([]),
  tool_choice: z.enum(['auto', 'none', 'required']).optional(),
  response_format: responseFormat.nullable().default(null),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z.int().optional(),
  stop: z.array(z.string().min(1)).max(4).optional(),
  reasoning_effort: reasoningEffort.optional(),
};

/** Its words are those for an input of no kind, which is read as if it were of this one. */
export const chatInput = z.strictObject(
  {
    messages: z
      .array(message, 'must be a list of 1 to 10,000 messages; an input needs one of prompt, messages, texts')
      .min(1)
      .max(10_000),
    ...settings,
  },
  'must be an object with one of prompt, messages, texts',
);
export type ChatInput = z.infer<typeof chatInput>;

/** A prompt is short for one user message. */
export const promptInput = z.strictObject({ prompt: z.string().min(1), ...settings });

export const embeddingInput = z.strictObject({ texts: z.array(z.string().min(1)).min(1).max(2048) });
export type EmbeddingInput = z.infer<typeof embeddingInput>;

export type JobInput = ChatInput | EmbeddingInput;

export function isEmbedding(input: JobInput): input is EmbeddingInput {
  return 'texts' in input;
}

/** The text of a message, images left out. */
export function textOf(message: Message): string {
  if (typeof message.content === 'string') return message.content;
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** All that the users said, joined by blank lines; the texts themselves for an embedding. */
export function promptOf(input: JobInput): string {
  if (isEmbedding(input)) return input.texts.join('\n\n');
  return input.messages
    .filter((message) => message.role === 'user')
    .map(textOf)
    .join('\n\n');
}
