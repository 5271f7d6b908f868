import type { GateLabel, JobEvent } from '@upshift/contracts';
import { openCells, queueOf, readJob, readLabels } from '@upshift/queues';
import type { Cells, Pipeline } from '@upshift/queues';
import { configVersionOf, createLogger, createMetrics } from '@upshift/runtime';
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';

import { exampleConfig } from '../routing/example.ts';

/** The only cell of a process of its own, as far as anything in Redis can tell, and all cells at once. */
export type TestPipeline = Pipeline & Cells;

export function onlyCellOf(cells: Cells): TestPipeline {
  return { ...cells.first, ...cells };
}

export type OpenOptions = Parameters<typeof openCells>[0];

/** The cells of a process of its own. */
export function openTestCells(url: string, changes: Partial<OpenOptions> = {}): Promise<Cells> {
  const { config = exampleConfig() } = changes;
  return openCells({
    url,
    cells: 1,
    spreads: false,
    consumed: null,
    config,
    configVersion: configVersionOf(config),
    logger: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    disposable: true,
    failFast: false,
    ...changes,
  });
}

export async function stateOf(pipeline: Pipeline, id: string) {
  const record = await readJob(pipeline, id);
  if (record === null) throw new Error(`no job ${id}`);
  return record.state;
}

/** Empties Redis, or all masters of a cluster. */
export async function flushAll({ redis }: Pick<Pipeline, 'redis'>): Promise<void> {
  await Promise.all(serversOf(redis).map((server) => server.flushall()));
}

/** The one server, or all masters of a cluster: for commands that are about a server and no key. */
export function serversOf(redis: Redis): Redis[] {
  const several: unknown = redis;
  return several instanceof Cluster ? several.nodes('master') : [redis];
}

/** In ascending order. */
export async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  return (await Promise.all(serversOf(redis).map((server) => server.keys(pattern)))).flat().toSorted();
}

/** Everything that Redis holds: two equal dumps mean that nothing was written in between. */
export async function dumpOf({ redis }: Pipeline): Promise<Record<string, string>> {
  const names = await keysLike(redis, '*');
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

export async function labelsIn(cells: Cells): Promise<GateLabel[]> {
  const labels: GateLabel[] = [];
  for await (const label of readLabels(cells)) labels.push(label);
  return labels;
}

/** Until so many lines of consumers have found nothing and wait for the word of an entry. */
export function untilBlocked(pipeline: Pipeline, lines: number): Promise<void> {
  const clients = () => Promise.all(serversOf(pipeline.redis).map((server) => server.client('LIST')));
  return until(pipeline, async () => (String(await clients()).match(/ flags=\w*b/g) ?? []).length === lines);
}
