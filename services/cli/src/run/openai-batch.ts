import { z } from 'zod';

/** What of a chat completion has a place in a job. `model` is left to the router. */
const body = z.strictObject({
  model: z.string().optional(),
  messages: z.array(z.looseObject({ role: z.string() })),
  max_tokens: z.int().optional(),
  max_completion_tokens: z.int().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  seed: z.int().optional(),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  reasoning_effort: z.string().optional(),
});

const batchLine = z.strictObject({
  custom_id: z.string().min(1),
  method: z.literal('POST'),
  url: z.literal('/v1/chat/completions'),
  body,
});

/** The input of a job, made of a line of an OpenAI batch; or why it can not be. */
export function rowOfBatchLine(line: object): { customId: string | null; input: object | null; error: string | null } {
  const parsed = batchLine.safeParse(line);
  const customId = 'custom_id' in line && typeof line.custom_id === 'string' ? line.custom_id : null;
  if (!parsed.success) {
    const reasons = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`);
    return { customId, input: null, error: reasons.join('; ') };
  }
  const {
    model: _model,
    messages,
    max_tokens: maxTokens,
    max_completion_tokens: maxCompletion,
    stop,
    ...settings
  } = parsed.data.body;
  const maxOutput = maxCompletion ?? maxTokens;
  const input = {
    messages: messages.map((message) => (message.role === 'developer' ? { ...message, role: 'system' } : message)),
    ...settings,
    ...(maxOutput === undefined ? {} : { max_output_tokens: maxOutput }),
    ...(stop === undefined ? {} : { stop: [stop].flat() }),
  };
  return { customId, input, error: null };
}
