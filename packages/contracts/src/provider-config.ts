import { z } from 'zod';

const environmentName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable, as in OPENAI_API_KEY');

export const rateLimit = z
  .strictObject({
    requests_per_minute: z.int().positive().optional().describe('Calls per minute.'),
    tokens_per_minute: z.int().positive().optional().describe('Input and output tokens per minute.'),
    max_wait_s: z
      .number()
      .positive()
      .max(300)
      .default(30)
      .describe('Longest that a job waits for its place; where that is not enough another model is asked.'),
  })
  .describe('What the vendor allows, shared by all workers. A job waits for its place, which costs it no attempt.');
export type RateLimit = z.infer<typeof rateLimit>;

export const providerConfig = z
  .strictObject({
    adapter: z.enum(['openai', 'anthropic', 'ollama']).describe('Which SDK speaks to it.'),
    api: z
      .enum(['responses', 'chat_completions'])
      .default('responses')
      .describe('Adapter openai only: Responses for OpenAI itself, chat completions for compatible servers.'),
    unknown_parameters: z
      .array(z.enum(['max_completion_tokens', 'stream_options']))
      .optional()
      .describe(
        'Chat completions only: what the server does not know of OpenAI’s parameters. It is not sent; in the place of `max_completion_tokens` stands `max_tokens`.',
      ),
    enabled: z.boolean().default(true).describe('False moves all traffic to the other providers, jobs in flight included.'),
    api_key_env: environmentName.optional().describe('The variable that holds the key. Without a value the provider is off.'),
    base_url: z.url().optional(),
    base_url_env: environmentName
      .optional()
      .describe('The variable that holds the base URL. Without a value, and without `base_url`, the provider is off.'),
    rate_limit: rateLimit.optional(),
  })
  .describe('An account at a vendor, or a server that speaks a vendor’s protocol.');

/** Whether calls can be made of an address: a path is put behind it, so nothing may follow its own. To a URL's reader `vllm:8000` is one, of the scheme `vllm`; Ollama's own SDK takes a host, a port or both. */
export function isBaseUrl(text: string, adapter: z.infer<typeof providerConfig>['adapter']): boolean {
  const isShort = adapter === 'ollama' && !text.includes('://');
  const url = isShort ? `http://${text.replace(/^:/, '127.0.0.1:')}` : text;
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) && !/[?#]/.test(url);
}
