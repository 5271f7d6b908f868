import type { RateLimit } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import type { LearnedLimit } from '@upshift/routing';

import { globalKeys } from './names.ts';
import type { Connection } from './pipeline.ts';
import { Reread } from './reread.ts';
import { scriptOf } from './script.ts';

/** What one call takes of a limit: of the account at the vendor, or of one of its models. */
export interface Place {
  provider: string;
  /** Null for the limit of the whole account. */
  model: string | null;
  limit: RateLimit | LearnedLimit;
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

/** KEYS: buckets. ARGV: of each, in how many ms it is full again, unless it is full later. */
const fillScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local full = now + tonumber(ARGV[index])
  if tonumber(redis.call('GET', key) or 0) < full then
    redis.call('SET', key, full, 'PX', math.ceil(full - now) + ${KEPT_MS})
  end
end`;

/** How long to wait for a place that was taken, or how long the wait would be for one that was not. */
type Reserved = { waitMs: number } | { tooLongMs: number };

/** Takes a place for a call, unless it had to wait longer than `mostMs` for it. */
export function reservePlace(connection: Connection, places: Place[], mostMs: number): Promise<Reserved> {
  return reserve(connection, places.flatMap(bucketsOf), mostMs);
}

async function reserve(connection: Connection, buckets: Bucket[], mostMs: number): Promise<Reserved> {
  const rows = buckets.map(({ key, takesMs, burstMs }): Row => [key, takesMs, burstMs]);
  const wait = await run(connection, 'upshiftReserve', rows, [mostMs]);
  return wait < 0 ? { tooLongMs: -wait } : { waitMs: wait };
}

/** Gives back what a call did not use, or takes what it used beyond its estimate. */
export async function settlePlace(connection: Connection, places: Place[], usedTokens: number): Promise<void> {
  const rows = places.flatMap((place) => {
    const used = bucketsOf({ ...place, tokens: usedTokens });
    return bucketsOf(place).map(({ key, takesMs }, index): Row => [key, takesMs - (used[index]?.takesMs ?? 0)]);
  });
  await run(
    connection,
    'upshiftSettle',
    rows.filter(([, backMs]) => backMs !== 0),
  );
}

/** The vendor said that a limit is reached: no worker calls for that long. */
export async function holdBack(connection: Connection, places: Place[], forMs: number): Promise<void> {
  const rows = places.flatMap(bucketsOf).map(({ key, burstMs }): Row => [key, forMs + burstMs]);
  await run(connection, 'upshiftFill', rows);
}

/** Tells all workers what the vendor has said of the limits of a model. */
export async function learnLimits(connection: Connection, model: string, learned: LearnedLimit[]): Promise<void> {
  const { provider } = splitModelId(model);
  const now = Date.now();
  const rows = learned.flatMap((limit) =>
    bucketsOf({ provider, model, limit, tokens: 0 }).map(({ key }): Row => [key, limit.untilMs - now]),
  );
  await run(connection, 'upshiftFill', rows);
  const fields = learned.flatMap((limit) => [`${model} ${limit.unit}`, JSON.stringify(limit)]);
  await connection.redis.hset(globalKeys.learnedLimits, ...fields);
  wordsOfVendors.forget(connection);
}

/** Such words may be so old, in ms: who has not heard one yet makes a call more. */
const READ_EVERY_MS = 250;
const wordsOfVendors = new Reread(READ_EVERY_MS, ({ redis }) => redis.hgetall(globalKeys.learnedLimits));

/** What vendors have said of the limits of a model, as far as it still holds. */
export async function learnedLimits(connection: Connection, model: string): Promise<LearnedLimit[]> {
  const words = await wordsOfVendors.get(connection);
  const said = units.flatMap((unit) => words[`${model} ${unit}`] ?? []).map((word) => JSON.parse(word) as LearnedLimit);
  return said.filter(({ untilMs }) => untilMs > Date.now());
}

const units: LearnedLimit['unit'][] = ['requests', 'tokens', 'pause'];

/** A retry takes a second of its provider's bucket of retries, and each other call gives a tenth of that back: ≤ 10 % of the calls, and one a second. */
const RETRY_MS = 1000;
const EARNED_MS = RETRY_MS / 10;
/** Retries that may be made at once, as after a short fault, in ms of the bucket. */
const RETRY_BURST_MS = 10 * RETRY_MS;

function retriesOf(provider: string): Bucket {
  return { key: globalKeys.limit(provider, null, 'retries'), takesMs: RETRY_MS, burstMs: RETRY_BURST_MS };
}

/** Takes a place among the retries of a provider, as `reservePlace` does. */
export function reserveRetry(connection: Connection, provider: string, mostMs: number): Promise<Reserved> {
  return reserve(connection, [retriesOf(provider)], mostMs);
}

/** So many calls of a provider were made that are no retries. */
export async function earnRetries(connection: Connection, provider: string, calls: number): Promise<void> {
  await run(connection, 'upshiftSettle', [[retriesOf(provider).key, calls * EARNED_MS]]);
}

interface Bucket {
  key: string;
  takesMs: number;
  burstMs: number;
}

/** A request, or a token, takes the time in which the limit gives another one; one call never takes more than the bucket holds. */
function bucketsOf({ provider, model, limit, tokens }: Place): Bucket[] {
  if ('unit' in limit) {
    const { unit, eachMs, burstMs } = limit;
    const amount = unit === 'tokens' ? tokens : 1;
    return [{ key: globalKeys.limit(provider, model, `learned-${unit}`), takesMs: Math.min(amount * eachMs, burstMs), burstMs }];
  }
  const bucket = (unit: string, perMinute: number | undefined, amount: number): Bucket[] => {
    if (perMinute === undefined) return [];
    const eachMs = MINUTE_MS / perMinute;
    const burstMs = Math.max(BURST_MS, eachMs);
    return [{ key: globalKeys.limit(provider, model, unit), takesMs: Math.min(amount * eachMs, burstMs), burstMs }];
  };
  return [...bucket('requests', limit.requests_per_minute, 1), ...bucket('tokens', limit.tokens_per_minute, tokens)];
}

const scripts = { upshiftReserve: reserveScript, upshiftSettle: settleScript, upshiftFill: fillScript };

/** A bucket with what the script is told of it. */
type Row = [key: string, ...settings: number[]];

async function run({ redis }: Connection, name: keyof typeof scripts, rows: Row[], first: number[] = []): Promise<number> {
  if (rows.length === 0) return 0;
  const settings = rows.flatMap(([, ...ofBucket]) => ofBucket);
  return Number(
    await scriptOf(redis, name, scripts[name], null)(rows.length, ...rows.map(([key]) => key), ...first, ...settings),
  );
}
