import { z } from 'zod';

const textPart = z.object({ type: z.enum(['text', 'input_text', 'output_text']), text: z.string() });
const text = z.union([z.string(), z.array(textPart).transform((parts) => parts.map((part) => part.text).join('\n'))]);

const imagePart = z
  .object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) })
  .transform(({ type, image_url: { url } }) => ({ type, image_url: { url } }));
const userContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPart.transform((part) => ({ type: 'text' as const, text: part.text })), imagePart])),
]);

const toolCall = z
  .strictObject({
    id: z.string(),
    type: z.literal('function'),
    function: z.strictObject({ name: z.string(), arguments: z.string() }),
  })
  .transform(({ id, function: { name, arguments: given } }) => ({ id, name, arguments: given }));

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: text }),
  z
    .strictObject({ role: z.literal('developer'), content: text })
    .transform(({ content }) => ({ role: 'system' as const, content })),
  z.strictObject({ role: z.literal('user'), content: userContent }),
  z
    .strictObject({
      role: z.literal('assistant'),
      content: text.nullish().transform((content) => content ?? ''),
      tool_calls: z
        .array(toolCall)
        .nullish()
        .transform((calls) => calls ?? undefined),
      refusal: z.null().optional(),
    })
    .transform(({ refusal: _refusal, ...same }) => same),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: text }),
]);

const parameters = z.record(z.string(), z.unknown()).default({ type: 'object', properties: {} });
const functionTool = { name: z.string(), description: z.string().optional(), parameters, strict: z.boolean().nullish() };

const chatTool = z
  .strictObject({ type: z.literal('function'), function: z.strictObject(functionTool) })
  .transform(({ function: { strict: _strict, ...declared } }) => declared);
/** As Responses writes a function. */
export const responsesTool = z
  .strictObject({ type: z.literal('function'), ...functionTool })
  .transform(({ type: _type, strict: _strict, ...declared }) => declared);

const schema = {
  name: z.string(),
  schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
  description: z.string().optional(),
};
const plainFormat = z.strictObject({ type: z.enum(['text', 'json_object']) });

const chatFormat = z.discriminatedUnion('type', [
  plainFormat,
  z
    .strictObject({ type: z.literal('json_schema'), json_schema: z.strictObject(schema) })
    .transform(({ type, json_schema: { name, schema: given } }) => ({ type, name, schema: given })),
]);
/** As Responses writes the format of an answer. */
export const responsesFormat = z.discriminatedUnion('type', [
  plainFormat,
  z
    .strictObject({ type: z.literal('json_schema'), ...schema })
    .transform(({ type, name, schema: given }) => ({ type, name, schema: given })),
]);

/** What a job has as its metadata. */
export const aboutTheJob = { metadata: z.record(z.string(), z.string()).optional(), user: z.string().optional() };

/** What both ways of asking have alike, and a job too. */
export const sharedSettings = {
  model: z.string().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  tool_choice: z.enum(['auto', 'none', 'required']).optional(),
  /** A batch has no use for a stream; `false` says what holds anyway. */
  stream: z.literal(false).optional(),
  ...aboutTheJob,
};

/** The body of a chat completion, as the input of a job. */
export const chatBody = z
  .strictObject({
    ...sharedSettings,
    messages: z.array(message).min(1),
    max_tokens: z.int().optional(),
    max_completion_tokens: z.int().optional(),
    seed: z.int().optional(),
    stop: z.union([z.string(), z.array(z.string())]).optional(),
    reasoning_effort: z.string().optional(),
    tools: z.array(chatTool).optional(),
    response_format: chatFormat.optional(),
  })
  .transform(
    ({ model: _model, stream: _stream, max_tokens: maxTokens, max_completion_tokens: maxCompletion, stop, ...same }) => ({
      ...same,
      max_output_tokens: maxCompletion ?? maxTokens,
      stop: stop === undefined ? undefined : [stop].flat(),
    }),
  );

/** A message of Responses without its type; its parts are texts. */
export const plainMessage = z
  .strictObject({
    type: z.literal('message').optional(),
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: text,
  })
  .transform(({ role, content }) => ({ role: role === 'developer' ? ('system' as const) : role, content }));
