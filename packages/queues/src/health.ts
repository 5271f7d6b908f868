import type { Health } from '@upshift/routing';

import { keys } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** Health changes seldom and may be a moment old: a call on a model that just went away fails over. */
const CACHED_MS = 250;
const cache = new WeakMap<Pipeline, { at: number; health: Promise<Health> }>();

/** What all processes have said about providers and models. */
export function readHealth(pipeline: Pipeline): Promise<Health> {
  const cached = cache.get(pipeline);
  if (cached && Date.now() - cached.at < CACHED_MS) return cached.health;
  const health = fetchHealth(pipeline);
  cache.set(pipeline, { at: Date.now(), health });
  health.catch(() => cache.delete(pipeline));
  return health;
}

/** Says which providers this process's environment can not reach, and takes back what no longer holds. */
export async function publishProviders(pipeline: Pipeline, providers: { id: string; off: string | null }[]): Promise<void> {
  const commands = pipeline.redis.multi();
  for (const { id, off } of providers) {
    if (off === null) commands.hdel(keys.providersOff, id);
    else commands.hset(keys.providersOff, id, off);
  }
  await commands.exec();
}

/** Says that a model must not be called until a time (ms since the epoch): its circuit is open. */
export async function openCircuit(pipeline: Pipeline, modelId: string, untilMs: number): Promise<void> {
  await pipeline.redis.hset(keys.circuitsOpen, modelId, untilMs);
}

export async function closeCircuit(pipeline: Pipeline, modelId: string): Promise<void> {
  await pipeline.redis.hdel(keys.circuitsOpen, modelId);
}

async function fetchHealth({ redis }: Pipeline): Promise<Health> {
  const [providersOff, circuits] = await Promise.all([redis.hgetall(keys.providersOff), redis.hgetall(keys.circuitsOpen)]);
  const now = Date.now();
  const open = Object.entries(circuits).filter(([, until]) => Number(until) > now);
  return {
    providersOff,
    circuitsOpen: Object.fromEntries(
      open.map(([id, until]) => [id, `circuit open until ${new Date(Number(until)).toISOString()}`]),
    ),
  };
}
