import { keys } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** Every queue that a service consumes or that ever got an entry, sorted by name. */
export async function queueNames(pipeline: Pipeline): Promise<string[]> {
  return (await pipeline.redis.smembers(keys.queues)).toSorted();
}

/** Brings the gauges of queue depth and oldest waiting age up to date. */
export async function measureQueues(pipeline: Pipeline): Promise<void> {
  for (const name of await queueNames(pipeline)) {
    const queue = queueOf(pipeline, name);
    const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed');
    for (const [state, count] of Object.entries(counts)) pipeline.metrics.queueDepth.set({ queue: name, state }, count);
    const waiting = [...(await queue.getJobs(['waiting'], 0, 0, true)), ...(await queue.getJobs(['prioritized'], 0, 0, true))];
    const oldest = Math.min(Date.now(), ...waiting.map(({ timestamp }) => timestamp));
    pipeline.metrics.oldestWaitingSeconds.set({ queue: name }, (Date.now() - oldest) / 1000);
  }
}

export async function unfinishedJobs({ redis }: Pipeline): Promise<number> {
  return redis.zcard(keys.open);
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
