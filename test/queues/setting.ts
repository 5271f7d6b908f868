import type { JobEvent, UpshiftConfig } from '@upshift/contracts';
import { closePipeline, openPipeline, queueOf, readJob } from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { configVersionOf, createLogger, createMetrics } from '@upshift/runtime';

import { exampleConfig } from '../routing/example.ts';

/** A pipeline of a process of its own, as far as anything in Redis can tell. */
export function openTestPipeline(url: string, config: UpshiftConfig = exampleConfig(), failFast = false): Promise<Pipeline> {
  return openPipeline({
    url,
    config,
    configVersion: configVersionOf(config),
    logger: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    disposable: true,
    failFast,
  });
}

export async function closeAll(pipelines: Pipeline[]): Promise<void> {
  await Promise.all(pipelines.splice(0).map(closePipeline));
}

export async function stateOf(pipeline: Pipeline, id: string) {
  const record = await readJob(pipeline, id);
  if (record === null) throw new Error(`no job ${id}`);
  return record.state;
}

/** Everything that Redis holds: two equal dumps mean that nothing was written in between. */
export async function dumpOf({ redis }: Pipeline): Promise<Record<string, string>> {
  const names = (await redis.keys('*')).toSorted();
  const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, index) => [name, String(dumps[index]?.toString('base64'))]));
}

export async function entriesOf(pipeline: Pipeline, queue: string): Promise<string[]> {
  const entries = await queueOf(pipeline, queue).getJobs(['waiting', 'prioritized', 'delayed', 'active']);
  return entries.map(({ id }) => id ?? '');
}

export const simple: JobEvent = {
  type: 'classified',
  classification: { task: null, complexity: 0.1, confidence: 1, reason: 'as told' },
};

/** Resolves once `holds` does; asks again with each turn of Redis, and the test's own timeout is the limit. */
export async function until(pipeline: Pipeline, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pipeline.redis.ping();
}
