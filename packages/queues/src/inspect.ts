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

/** Whether Redis answers now. */
export async function redisReadiness({ redis }: Pipeline): Promise<{ ready: boolean; reason: string }> {
  try {
    await redis.ping();
    return { ready: true, reason: 'Redis answers' };
  } catch (error) {
    return { ready: false, reason: `Redis does not answer: ${error instanceof Error ? error.message : String(error)}` };
  }
}
