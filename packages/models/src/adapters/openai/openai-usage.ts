import type { Usage } from '@upshift/contracts';
import type OpenAI from 'openai';

/** Cached tokens are within the input here, and reasoning within the output, as in our own usage. */
export function responsesUsage(usage: Partial<OpenAI.Responses.ResponseUsage> | null | undefined): Usage | null {
  return usageOf(usage?.input_tokens, usage?.output_tokens, {
    cached: usage?.input_tokens_details?.cached_tokens,
    written: usage?.input_tokens_details?.cache_write_tokens,
    reasoning: usage?.output_tokens_details?.reasoning_tokens,
  });
}

export function completionUsage(usage: Partial<OpenAI.CompletionUsage> | null): Usage | null {
  return usageOf(usage?.prompt_tokens, completionTokens(usage), {
    cached: usage?.prompt_tokens_details?.cached_tokens,
    written: usage?.prompt_tokens_details?.cache_write_tokens,
    reasoning: usage?.completion_tokens_details?.reasoning_tokens,
  });
}

/** xAI counts reasoning beside the completion: the total tells it. */
function completionTokens(usage: Partial<OpenAI.CompletionUsage> | null): number | undefined {
  const { prompt_tokens: input = 0, completion_tokens: output, total_tokens: total, completion_tokens_details } = usage ?? {};
  const reasoning = completion_tokens_details?.reasoning_tokens ?? 0;
  return output !== undefined && total === input + output + reasoning ? output + reasoning : output;
}

/** An embedding has no output, so its 0 is known. */
export function embeddingUsage(usage: Partial<OpenAI.CreateEmbeddingResponse.Usage> | undefined): Usage | null {
  return usageOf(usage?.prompt_tokens, 0, {});
}

type Details = Partial<Record<'cached' | 'written' | 'reasoning', number | null | undefined>>;

function usageOf(inputTokens: number | undefined, outputTokens: number | undefined, details: Details): Usage | null {
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return null;
  return {
    inputTokens,
    cachedInputTokens: details.cached ?? 0,
    cacheWriteTokens: details.written ?? 0,
    outputTokens,
    reasoningTokens: details.reasoning ?? 0,
  };
}
