import type { HeardLimit, RateLimit, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

/** Output that a call is expected to have where it may have more, in tokens: what is too much is given back when it has ended. */
const USUAL_OUTPUT_TOKENS = 1000;

/** Longest that a job waits under a limit that nobody has declared, in ms; then another model is asked. */
export const LONGEST_WAIT_MS = 30_000;

/** A limit of which less than this share is left is shared by all workers; above it nobody needs to wait. */
const SCARCE_SHARE = 0.25;

/** What a vendor has said of a limit of one model. A `pause` lets nobody through until its time. */
export interface LearnedLimit {
  unit: 'requests' | 'tokens' | 'pause';
  /** In how many ms the limit gives another request or token, and in how many all of it. */
  eachMs: number;
  burstMs: number;
  /** When all of it is there again, in ms since the epoch: it is forgotten then. */
  untilMs: number;
}

/** What a call takes of a limit. */
interface Taken {
  provider: string;
  /** Null for the limit of the whole account. */
  model: string | null;
  limit: RateLimit | LearnedLimit;
  tokens: number;
}

/** The limits under which a call stands, declared ones of the model and its account and learned ones, and how long its job may wait for all. */
export function placesOf(
  config: UpshiftConfig,
  model: string,
  call: { inputTokens: number; maxOutputTokens: number },
  learned: LearnedLimit[],
): { places: Taken[]; mostMs: number } {
  const { provider } = splitModelId(model);
  const tokens = call.inputTokens + Math.min(call.maxOutputTokens, USUAL_OUTPUT_TOKENS);
  const declared = [
    { model: null, limit: config.providers[provider]?.rate_limit },
    { model, limit: config.models[model]?.rate_limit },
  ].flatMap(({ model: of, limit }) => (limit ? [{ provider, model: of, limit, tokens }] : []));
  const waits = declared.map(({ limit }) => limit.max_wait_s * 1000);
  return {
    places: [...declared, ...learned.map((limit) => ({ provider, model, limit, tokens }))],
    mostMs: Math.min(...(waits.length > 0 ? waits : [LONGEST_WAIT_MS])),
  };
}

/** What is to be kept of what a vendor says with an answer: nothing while there is plenty. `retryAfterMs` is that of a 429. */
export function limitsLearned(heard: HeardLimit[], retryAfterMs: number | null, now: number): LearnedLimit[] {
  const scarce = heard.filter(({ limit, remaining, resetMs }) => remaining < limit * SCARCE_SHARE && resetMs > 0);
  const learned: LearnedLimit[] = scarce.map(({ unit, limit, remaining, resetMs }) => {
    const eachMs = resetMs / (limit - remaining);
    return { unit, eachMs, burstMs: limit * eachMs, untilMs: now + resetMs };
  });
  if (retryAfterMs !== null) learned.push({ unit: 'pause', eachMs: 0, burstMs: 0, untilMs: now + retryAfterMs });
  return learned;
}
