import { sizeOf, unfinishedIndexes } from './list-jobs.ts';
import { FALLBACK_QUEUE, parseModelQueue } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** Every queue that a service consumes or that ever got an entry, sorted by name. */
export async function queueNames(pipeline: Pipeline): Promise<string[]> {
  return (await pipeline.redis.smembers(pipeline.keys.queues)).toSorted();
}

/** What waits in a queue, and since when. */
export interface QueueState {
  queue: string;
  /** Of a model's queue; `fallback` for the fallback queue; null for those of no tier. */
  tier: string | null;
  model: string | null;
  waiting: number;
  delayed: number;
  active: number;
  failed: number;
  /** Age of the oldest entry that waits, in ms; 0 where none does. */
  oldestWaitingMs: number;
}

/** The state of every queue, sorted by name. */
export async function readQueues(pipeline: Pipeline): Promise<QueueState[]> {
  return Promise.all((await queueNames(pipeline)).map((name) => readQueue(pipeline, name)));
}

async function readQueue(pipeline: Pipeline, name: string): Promise<QueueState> {
  const queue = queueOf(pipeline, name);
  const [counts, waiting, prioritized] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed'),
    queue.getJobs(['waiting'], 0, 0, true),
    queue.getJobs(['prioritized'], 0, 0, true),
  ]);
  const now = Date.now();
  const oldest = Math.min(now, ...[...waiting, ...prioritized].map(({ timestamp }) => timestamp));
  return {
    queue: name,
    tier: tierOf(name),
    model: parseModelQueue(name)?.modelId ?? null,
    waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0),
    delayed: counts['delayed'] ?? 0,
    active: counts['active'] ?? 0,
    failed: counts['failed'] ?? 0,
    oldestWaitingMs: now - oldest,
  };
}

/** The tier whose worker consumes a queue; null for the queues of no tier. */
export function tierOf(queue: string): string | null {
  return parseModelQueue(queue)?.tier ?? (queue === FALLBACK_QUEUE ? FALLBACK_QUEUE : null);
}

/** Brings the gauges of queue depth and oldest waiting age up to date. */
export async function measureQueues(pipeline: Pipeline): Promise<void> {
  for (const { queue, tier: itsTier, oldestWaitingMs, waiting, delayed, active, failed } of await readQueues(pipeline)) {
    const tier = itsTier ?? '';
    for (const [state, count] of Object.entries({ waiting, delayed, active, failed }))
      pipeline.metrics.queueDepth.set({ queue, tier, state }, count);
    pipeline.metrics.oldestWaitingSeconds.set({ queue, tier }, oldestWaitingMs / 1000);
  }
}

export async function unfinishedJobs(pipeline: Pipeline): Promise<number> {
  return sizeOf(pipeline, await unfinishedIndexes(pipeline));
}

/** A ping that takes longer than this is no answer; while Redis is away it would wait for ever. */
const PING_MS = 1000;

/** Whether Redis answers now. */
export async function redisReadiness({ redis }: Pipeline): Promise<{ ready: boolean; reason: string }> {
  try {
    await Promise.race([redis.ping(), timeout(PING_MS)]);
    return { ready: true, reason: 'Redis answers' };
  } catch (error) {
    return { ready: false, reason: `Redis does not answer: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function timeout(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms).unref();
  });
}
