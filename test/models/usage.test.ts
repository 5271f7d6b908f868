import type { Usage } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

import { anthropicUsage } from '../../packages/models/src/adapters/anthropic/anthropic-usage.ts';
import { ollamaUsage } from '../../packages/models/src/adapters/ollama/ollama-usage.ts';
import { completionUsage, embeddingUsage, responsesUsage } from '../../packages/models/src/adapters/openai/openai-usage.ts';

const usage = (inputTokens: number, outputTokens: number, details: Partial<Usage> = {}): Usage => ({
  inputTokens,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens,
  reasoningTokens: 0,
  ...details,
});

describe('Anthropic', () => {
  const start = { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 3, output_tokens: 1 };

  test('counts what was cached beside the input, at the start of a stream', () => {
    expect(anthropicUsage({ start, end: { output_tokens: 7 } })).toEqual(
      usage(18, 7, { cachedInputTokens: 5, cacheWriteTokens: 3 }),
    );
    expect(anthropicUsage({ start: { input_tokens: 10 }, end: { output_tokens: 7 } })).toEqual(usage(10, 7));
  });

  test('is believed at the end rather than at the start', () => {
    const end = {
      input_tokens: 20,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 4,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 2 },
    };
    const told = usage(24, 7, { cacheWriteTokens: 4, reasoningTokens: 2 });
    for (const first of [start, null]) expect(anthropicUsage({ start: first, end })).toEqual(told);
  });

  test('has told nothing before the end, whose output alone counts', () => {
    expect(anthropicUsage({ start, end: null })).toBeNull();
    expect(anthropicUsage({ start, end: { input_tokens: 10 } })).toBeNull();
    expect(anthropicUsage({ start: null, end: { output_tokens: 7 } })).toBeNull();
  });
});

describe('OpenAI', () => {
  test('counts what was cached within the input', () => {
    const details = { cached_tokens: 5, cache_write_tokens: 3 };
    const told = usage(10, 7, { cachedInputTokens: 5, cacheWriteTokens: 3, reasoningTokens: 2 });
    const reasoning = { reasoning_tokens: 2 };
    expect(
      responsesUsage({
        input_tokens: 10,
        output_tokens: 7,
        input_tokens_details: details,
        output_tokens_details: reasoning,
      }),
    ).toEqual(told);
    const counted = { prompt_tokens: 10, completion_tokens: 7, total_tokens: 17 };
    expect(completionUsage({ ...counted, prompt_tokens_details: details, completion_tokens_details: reasoning })).toEqual(told);
    expect(completionUsage({ prompt_tokens: 10, completion_tokens: 7 })).toEqual(usage(10, 7));
    expect(embeddingUsage({ prompt_tokens: 10 })).toEqual(usage(10, 0));
  });

  test('has told nothing where one of the two is missing', () => {
    for (const missing of [null, undefined, {}, { input_tokens: 10 }, { output_tokens: 7 }])
      expect(responsesUsage(missing)).toBeNull();
    for (const missing of [null, {}, { prompt_tokens: 10 }, { completion_tokens: 7 }])
      expect(completionUsage(missing)).toBeNull();
    expect(embeddingUsage(undefined)).toBeNull();
  });
});

test('Ollama has told nothing where it did not count one of the two', () => {
  expect(ollamaUsage({ prompt_eval_count: 10, eval_count: 7 })).toEqual(usage(10, 7));
  for (const missing of [{}, { prompt_eval_count: 10 }, { eval_count: 7 }]) expect(ollamaUsage(missing)).toBeNull();
});
