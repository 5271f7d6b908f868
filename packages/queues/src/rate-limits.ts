import { createHash } from 'node:crypto';

import type { RateLimit } from '@upshift/contracts';

import { globalKeys } from './names.ts';
import type { Connection } from './pipeline.ts';

/** What one call takes of a limit: of the account at the vendor, or of one of its models. */
export interface Place {
  provider: string;
  /** Null for the limit of the whole account. */
  model: string | null;
  limit: RateLimit;
  tokens: number;
}

/** A limit per minute may be used up at most this fast, in ms: vendors measure over seconds, not over minutes. */
const BURST_MS = 6000;
const MINUTE_MS = 60_000;
/** An untouched bucket is full again by then. */
const KEPT_MS = 2 * MINUTE_MS;

/**
 * Buckets by the generic cell rate algorithm: each holds the time at which it would be full again. A call takes its place in all of
 * them or in none.
 *
 * KEYS: buckets. ARGV 1: the longest wait; then of each bucket the ms that the call takes of it, and its burst in ms.
 * Gives the wait in ms, negative where it is longer than the longest and nothing was taken.
 */
const reserveScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait, full = 0, {}
for index, key in ipairs(KEYS) do
  full[index] = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[2 * index])
  wait = math.max(wait, math.ceil(full[index] - tonumber(ARGV[2 * index + 1]) - now))
end
if wait > tonumber(ARGV[1]) then return -wait end
for index, key in ipairs(KEYS) do redis.call('SET', key, full[index], 'PX', math.ceil(full[index] - now) + ${KEPT_MS}) end
return wait`;

/** KEYS: buckets. ARGV: of each the ms that are given back. */
const settleScript = `
for index, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('SET', key, redis.call('GET', key) - ARGV[index], 'KEEPTTL')
  end
end`;

/** KEYS: buckets. ARGV 1: the ms for which nothing is to be called; then each bucket's burst. */
const holdScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local full = now + tonumber(ARGV[1]) + tonumber(ARGV[index + 1])
  if tonumber(redis.call('GET', key) or 0) < full then
    redis.call('SET', key, full, 'PX', math.ceil(full - now) + ${KEPT_MS})
  end
end`;

/** Takes a place for a call. Gives the ms to wait for it, or `tooLongMs` where that is more than `mostMs` and no place was taken. */
export async function reservePlace(
  connection: Connection,
  places: Place[],
  mostMs: number,
): Promise<{ waitMs: number } | { tooLongMs: number }> {
  const buckets = places.flatMap(bucketsOf);
  if (buckets.length === 0) return { waitMs: 0 };
  const settings = buckets.flatMap(({ takesMs, burstMs }) => [takesMs, burstMs]);
  const wait = Number(await run(connection, reserveScript, buckets, [mostMs, ...settings]));
  return wait < 0 ? { tooLongMs: -wait } : { waitMs: wait };
}

/** Gives back what a call did not use, or takes what it used beyond its estimate. */
export async function settlePlace(connection: Connection, places: Place[], usedTokens: number): Promise<void> {
  const buckets = places.flatMap((place) => {
    const used = bucketsOf({ ...place, tokens: usedTokens });
    return bucketsOf(place).map((bucket, index) => ({ ...bucket, backMs: bucket.takesMs - (used[index]?.takesMs ?? 0) }));
  });
  const changed = buckets.filter(({ backMs }) => backMs !== 0);
  if (changed.length > 0)
    await run(
      connection,
      settleScript,
      changed,
      changed.map(({ backMs }) => backMs),
    );
}

/** The vendor said that a limit is reached: no worker calls for that long. */
export async function holdBack(connection: Connection, places: Place[], forMs: number): Promise<void> {
  const buckets = places.flatMap(bucketsOf);
  if (buckets.length > 0) await run(connection, holdScript, buckets, [forMs, ...buckets.map(({ burstMs }) => burstMs)]);
}

interface Bucket {
  key: string;
  takesMs: number;
  burstMs: number;
}

/** A request, or a token, takes the time in which the limit gives another one; one call never takes more than the bucket holds. */
function bucketsOf({ provider, model, limit, tokens }: Place): Bucket[] {
  const bucket = (unit: string, perMinute: number | undefined, amount: number): Bucket[] => {
    if (perMinute === undefined) return [];
    const eachMs = MINUTE_MS / perMinute;
    const burstMs = Math.max(BURST_MS, eachMs);
    return [{ key: globalKeys.limit(provider, model, unit), takesMs: Math.min(amount * eachMs, burstMs), burstMs }];
  };
  return [...bucket('requests', limit.requests_per_minute, 1), ...bucket('tokens', limit.tokens_per_minute, tokens)];
}

const shaOf = (script: string): string => createHash('sha1').update(script).digest('hex');

async function run({ redis }: Connection, script: string, buckets: Bucket[], settings: number[]): Promise<unknown> {
  const rest = [buckets.length, ...buckets.map(({ key }) => key), ...settings] as const;
  try {
    return await redis.evalsha(shaOf(script), ...rest);
  } catch (error) {
    if (!String(error).includes('NOSCRIPT')) throw error;
    return redis.eval(script, ...rest);
  }
}
