import type { Attempt, JobState, Lane, ModelConfig, Needs, Price, RouteConfig, UpshiftConfig, Usage } from '@upshift/contracts';

import { finalAttemptOf } from './live-attempts.ts';
import { wantsVectors } from './who-may-answer.ts';

/** Cap on an answer where the job sets none, in tokens: long enough for almost all, short enough to bound a runaway's price. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 4096;

/** 1 USD per million tokens is 1,000 nano-dollars per token. */
const NANO_USD_PER_TOKEN = 1000;
const NANO_USD = 1_000_000_000;

/** Characters per token, roughly, in all vendors' tokenizers for English text. */
const CHARACTERS_PER_TOKEN = 4;

export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

export function nanoUsdToUsd(nano: number): number {
  return nano / NANO_USD;
}

export function usdToNanoUsd(usd: number): number {
  return Math.round(usd * NANO_USD);
}

/** The price in force at a time (ms since the epoch), or null before the first one. */
export function priceAt(prices: Price[], now: number): Price | null {
  let latest: Price | null = null;
  for (const price of prices) if (Date.parse(price.from) <= now && (latest === null || price.from > latest.from)) latest = price;
  return latest;
}

/**
 * What a call cost, in integer nano-dollars; null where usage, price or the lane's factor is unknown, never 0.
 * `inputTokens` is the whole input, so cached and cache-written tokens are taken out before the rest is priced.
 */
export function costOf(usage: Usage | null, model: ModelConfig | undefined, now: number, lane: Lane = 'live'): number | null {
  const price = model ? priceAt(model.prices, now) : null;
  const factor = price === null ? null : factorOf(price, lane);
  if (usage === null || price === null || factor === null) return null;
  const long = price.long_input && usage.inputTokens > price.long_input.above_tokens ? price.long_input : null;
  const { input, output } = long ?? price;
  const cached = (long ? long.cached_input : price.cached_input) ?? input;
  const plainInput = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  const millionths =
    plainInput * input +
    usage.cachedInputTokens * cached +
    usage.cacheWriteTokens * ((long ? long.cache_write : price.cache_write) ?? input) +
    usage.outputTokens * output;
  return Math.round(millionths * factor * NANO_USD_PER_TOKEN);
}

/** What a lane costs of the price; null where that is not declared, because the vendors differ. */
function factorOf(price: Price, lane: Lane): number | null {
  if (lane === 'live') return 1;
  return (lane === 'batch' ? price.batch_factor : price.flex_factor) ?? null;
}

/** What a call for the job takes at most under its route, which adds to the input, and bounds the output where the job does not. */
export function needsUnder({ system_prompt = '', prompt_prefix = '', parameters }: RouteConfig, needs: Needs): Needs {
  if (wantsVectors(needs)) return needs;
  const addedTokens = estimateTokens(system_prompt.length + prompt_prefix.length);
  return {
    ...needs,
    inputTokens: needs.inputTokens + addedTokens,
    contextTokens: needs.contextTokens + addedTokens,
    maxOutputTokens: needs.maxOutputTokens ?? parameters?.max_output_tokens ?? null,
  };
}

/** What a model must have room for under a route. The bound that the route sets on an answer shuts no model out: one that writes less is told its own. */
export function requiredUnder(route: RouteConfig, needs: Needs): Needs {
  return { ...needsUnder(route, needs), maxOutputTokens: needs.maxOutputTokens };
}

/** Tokens of which no more is known, or estimated, than how many go in and come out. */
export function plainUsage(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens, reasoningTokens: 0 };
}

/** What a call is expected to cost at most, in nano-dollars; null for a model without a price in force. */
export function estimateCost(needs: Needs, model: ModelConfig, now: number): number | null {
  const outputTokens = wantsVectors(needs)
    ? 0
    : Math.min(needs.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS, model.max_output_tokens);
  return costOf(plainUsage(needs.inputTokens, outputTokens), model, now);
}

/** The sum of the ledger, in nano-dollars, and whether some of it is unknown. */
export function costOfJob(job: Pick<JobState, 'attempts'>): { nanoUsd: number; unknown: boolean } {
  const nanoUsd = job.attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? 0), 0);
  return { nanoUsd, unknown: job.attempts.some(isCostUnknown) };
}

/** Money that is spent or may yet be: what a cap is held against. */
export function committedNanoUsd(job: Pick<JobState, 'attempts'>): number {
  return job.attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? attempt.reservedNanoUsd), 0);
}

/** From `sent` on the provider may bill: also where the job ended meanwhile and nobody hears of the call any more. */
function isCostUnknown(attempt: Attempt): boolean {
  return attempt.costNanoUsd === null && attempt.state !== 'claimed';
}

/** The model that stands for "one model for everything" of a tier: the first declared one that answers there unasked; null for none. */
export function firstModelOf(config: UpshiftConfig, tier: string): string | null {
  const answers = Object.entries(config.models).find(
    ([, model]) => model.tier === tier && model.on_trial !== true && !model.capabilities.includes('embedding'),
  );
  return answers?.[0] ?? null;
}

/**
 * What the top tier's first model alone would have cost for a job that has its answer, in nano-dollars: the answer's own
 * tokens at that model's price. An embedding would have cost the same. Null where there is no answer or no usage.
 */
export function costAlone(job: JobState, config: UpshiftConfig, now: number): number | null {
  const answered = finalAttemptOf(job);
  if (answered === null) return null;
  if (wantsVectors(job.needs)) return answered.costNanoUsd;
  const top = firstModelOf(config, config.tiers.at(-1)?.name ?? '');
  return top === null ? null : costOf(answered.usage, config.models[top], now);
}
