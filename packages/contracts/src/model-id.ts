import { z } from 'zod';

/** `provider/model`, split at the first slash: `ollama/llama3.1:8b` is model `llama3.1:8b` of provider `ollama`. */
export const modelId = z
  .string()
  .max(200)
  .regex(/^[a-z0-9][a-z0-9_-]*\/[!-~]+$/, 'a model id is provider/model, as in anthropic/claude-haiku-5-5');

/** The two halves of a model id. The id must have been validated by `modelId`. */
export function splitModelId(id: string): { provider: string; name: string } {
  const slash = id.indexOf('/');
  return { provider: id.slice(0, slash), name: id.slice(slash + 1) };
}
