import type { Usage } from '@upshift/contracts';

/** Null where the server did not count. A prompt that is wholly cached is counted nowhere by some versions. */
export function ollamaUsage(answer: { prompt_eval_count?: number; eval_count?: number }): Usage | null {
  const { prompt_eval_count: inputTokens, eval_count: outputTokens } = answer;
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return null;
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens, reasoningTokens: 0 };
}
