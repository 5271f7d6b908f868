import { z } from 'zod';

import { reasoningEffort, samplingParameter } from './input.ts';
import { modelId } from './model-id.ts';
import { rateLimit } from './provider-config.ts';

/**
 * What a model can do, declared and read before routing. `sampling_params`: takes all of temperature, top_p, seed, stop that its API has.
 * `prefill`: goes on with an answer where a conversation ends with one, which newer models of Anthropic refuse; of other vendors' models it is not asked.
 */
export const capability = z.enum([
  'tools',
  'vision',
  'structured_output',
  'streaming',
  'embedding',
  'sampling_params',
  'prefill',
]);
export type Capability = z.infer<typeof capability>;

const usdPerMillionTokens = z.number().nonnegative();

const price = z.strictObject({
  from: z.iso.date().describe('First day on which the price holds (UTC).'),
  input: usdPerMillionTokens,
  output: usdPerMillionTokens,
  cached_input: usdPerMillionTokens.optional(),
  cache_write: usdPerMillionTokens.optional(),
  long_input: z
    .strictObject({
      above_tokens: z.int().positive(),
      input: usdPerMillionTokens,
      output: usdPerMillionTokens,
      cached_input: usdPerMillionTokens.optional(),
      cache_write: usdPerMillionTokens.optional(),
    })
    .optional()
    .describe('What the whole request costs when its input is longer.'),
  batch_factor: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('What a batch costs of the price, as in 0.5. All calls are live: nothing is sent as a batch.'),
  flex_factor: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('What a flexible call costs of the price, as in 0.5. None is sent.'),
});
export type Price = z.infer<typeof price>;

export const modelConfig = z.strictObject({
  tier: z.string(),
  capabilities: z.array(capability),
  sampling: z
    .array(samplingParameter)
    .optional()
    .describe('The sampling parameters that it takes, where it is not all that its API has (capability `sampling_params`).'),
  reasoning_efforts: z
    .array(reasoningEffort)
    .optional()
    .describe('The values of `reasoning_effort` that it takes, where it is not all that its API has. Others are not sent.'),
  context_window: z.int().positive().describe('Tokens of input and output together.'),
  max_output_tokens: z.int().nonnegative(),
  prices: z.array(price).min(1).describe('USD per million tokens.'),
  concurrency: z.int().positive().max(1000).default(8).describe('Calls in flight per worker process.'),
  call_timeout_s: z.number().positive().max(3600).default(120),
  idle_timeout_s: z.number().positive().max(3600).default(60).describe('Longest silence within a streamed answer.'),
  slow_call_s: z
    .number()
    .positive()
    .max(3600)
    .optional()
    .describe('A call that takes longer counts against the model as a failed one does, though its answer is used.'),
  rate_limit: rateLimit.optional(),
  equivalents: z.array(modelId).default([]).describe('Embedding models only: models of the same vector space.'),
  on_trial: z
    .boolean()
    .optional()
    .describe('True: answers only where a route or the arm of an experiment names it in `models`, or a job pins it.'),
});
export type ModelConfig = z.infer<typeof modelConfig>;
