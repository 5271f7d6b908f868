import type Anthropic from '@anthropic-ai/sdk';
import type { Usage } from '@upshift/contracts';

/** A stream tells usage twice: the input at its start, and running totals at its end. */
export interface AnthropicUsageParts {
  start: Partial<Anthropic.Usage> | null;
  end: Partial<Anthropic.MessageDeltaUsage> | null;
}

/** Null unless the end of the stream told the output: the count at the start is that of the first token. */
export function anthropicUsage({ start, end }: AnthropicUsageParts): Usage | null {
  const uncached = end?.input_tokens ?? start?.input_tokens;
  const outputTokens = end?.output_tokens;
  if (typeof uncached !== 'number' || typeof outputTokens !== 'number') return null;
  const cachedInputTokens = end?.cache_read_input_tokens ?? start?.cache_read_input_tokens ?? 0;
  const cacheWriteTokens = end?.cache_creation_input_tokens ?? start?.cache_creation_input_tokens ?? 0;
  return {
    // Unlike OpenAI, the vendor counts cached tokens beside input_tokens, not within.
    inputTokens: uncached + cachedInputTokens + cacheWriteTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens: end?.output_tokens_details?.thinking_tokens ?? 0,
  };
}
