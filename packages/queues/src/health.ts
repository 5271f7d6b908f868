import { DENIAL_HOLDS_MS } from '@upshift/routing';
import type { Health } from '@upshift/routing';

import { leaseOf } from './lease.ts';
import { globalKeys } from './names.ts';
import type { Connection } from './pipeline.ts';
import { Reread } from './reread.ts';
import { setFieldsWhenFull } from './when-full.ts';
import { withScores } from './with-scores.ts';

/** Health changes seldom and may be so old, in ms: a call on a model that just went away fails over. */
const READ_EVERY_MS = 250;
const health = new Reread(READ_EVERY_MS, fetchHealth);

/** What all processes have said about providers and models. */
export function readHealth(connection: Connection): Promise<Health> {
  return health.get(connection);
}

/** How long a worker's word on providers holds: three of its heartbeats. */
export const PROVIDER_HEARTBEAT_MS = 5000;
const PROVIDER_WORD_HOLDS_MS = 3 * PROVIDER_HEARTBEAT_MS;

/**
 * Says which providers this worker can call. To be repeated at every heartbeat, so that the word of a worker that is gone, or
 * was started without a key, runs out.
 */
export async function publishProviders(connection: Connection, providers: { id: string; off: string | null }[]): Promise<void> {
  const at = Date.now();
  const words = providers.map(({ id, off }) => [`${id} ${off === null ? 'on' : 'off'}`, JSON.stringify({ at, off })]);
  if (words.length > 0) await setFieldsWhenFull(connection.redis, globalKeys.providers, words.flat());
}

/** A provider denied the account (its key, its bill, a limit of spending): no model of it is called for a while. */
export async function denyProvider(connection: Connection, provider: string, reason: string): Promise<void> {
  connection.logger.error({ provider, reason }, 'the provider denied the account; it is left alone for a minute');
  const word = JSON.stringify({ at: Date.now(), off: reason });
  await setFieldsWhenFull(connection.redis, globalKeys.providers, [`${provider} denied`, word]);
}

/** The providers on which a live worker has said a word of late, be it that they are on or off. */
export async function providersHeardOf({ redis }: Connection): Promise<Set<string>> {
  const fresh = freshWords(await redis.hgetall(globalKeys.providers), Date.now());
  return new Set(fresh.flatMap(({ provider, kind }) => (kind === 'denied' ? [] : [provider])));
}

/** What workers have said, as far as it still holds. */
function freshWords(words: Record<string, string>, now: number) {
  return Object.entries(words).flatMap(([name, word]) => {
    const { at, off } = JSON.parse(word) as { at: number; off: string | null };
    const [provider = '', kind] = name.split(' ');
    const until = at + (kind === 'denied' ? DENIAL_HOLDS_MS : PROVIDER_WORD_HOLDS_MS);
    return now <= until ? [{ provider, kind, off, until }] : [];
  });
}

/** A provider is off when it denied the account of late, or when a live worker says so and none says that it is on. */
function providersIn(words: Record<string, string>, now: number): Pick<Health, 'providersOff' | 'providersDenied'> {
  const fresh = freshWords(words, now);
  const on = new Set(fresh.flatMap(({ provider, off }) => (off === null ? [provider] : [])));
  const denied = Object.fromEntries(
    fresh.flatMap(({ provider, kind, until }) => (kind === 'denied' ? [[provider, until] as const] : [])),
  );
  const isOff = (provider: string): boolean => denied[provider] !== undefined || !on.has(provider);
  const off = fresh.flatMap((word) => (word.off !== null && isOff(word.provider) ? [[word.provider, word.off]] : []));
  return { providersOff: Object.fromEntries(off) as Record<string, string>, providersDenied: denied };
}

/**
 * Says that a model must not be called until a time (ms since the epoch): its circuit is open. Of several times the latest holds.
 * From then on it is being probed, until it answers.
 */
export async function openCircuit(connection: Connection, modelId: string, untilMs: number): Promise<void> {
  await connection.redis.zadd(globalKeys.circuitsOpen, 'GT', untilMs, modelId);
}

const closeScript = `
local untilMs = redis.call('ZSCORE', KEYS[1], ARGV[1])
if untilMs and tonumber(untilMs) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end`;

/**
 * A model has answered: this process has closed its circuit, or has called it when the time that was told was over. A time that
 * another one has told since, and that is not over yet, stays.
 */
export async function closeCircuit(connection: Connection, modelId: string): Promise<void> {
  await connection.redis.eval(closeScript, 1, globalKeys.circuitsOpen, modelId, Date.now());
}

/** Longer than most calls; a process that dies while it probes keeps the others waiting for no longer. */
const PROBE_HOLDS_MS = 30_000;

/** The right to probe a model whose circuit is half open, which one process at a time has: gives what ends it, or null. */
export async function probeOf(connection: Connection, modelId: string): Promise<(() => void) | null> {
  const lease = leaseOf(connection, `probe:${modelId}`);
  if (!(await lease.hold(PROBE_HOLDS_MS))) return null;
  return () => void lease.release().catch(() => undefined);
}

async function fetchHealth({ redis }: Connection): Promise<Health> {
  const now = Date.now();
  const [words, circuits] = await Promise.all([
    redis.hgetall(globalKeys.providers),
    redis.zrange(globalKeys.circuitsOpen, 0, '-1', 'WITHSCORES'),
  ]);
  const told = withScores(circuits);
  return {
    ...providersIn(words, now),
    circuitsOpen: Object.fromEntries(told.filter(([, untilMs]) => untilMs > now)),
    circuitsProbing: told.flatMap(([model, untilMs]) => (untilMs > now ? [] : [model])),
  };
}
