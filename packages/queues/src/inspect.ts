import type { JobsOptions } from 'bullmq';

import { queuePriority, shadowPriority } from './catalogue.ts';
import type { Cells } from './cells/cells.ts';
import { unfinishedIn } from './indexes.ts';
import { FALLBACK_QUEUE, parseModelQueue } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Connection, Pipeline } from './pipeline.ts';

/** Every queue of a cell that a service consumes or that ever got an entry, sorted by name. */
export async function queueNames(pipeline: Pipeline): Promise<string[]> {
  return (await pipeline.redis.smembers(pipeline.keys.queues)).toSorted();
}

/** What waits in a queue of a cell, and since when. */
export interface QueueState {
  cell: number;
  queue: string;
  /** Of a model's queue; `fallback` for the fallback queue; null for those of no tier. */
  tier: string | null;
  model: string | null;
  waiting: number;
  delayed: number;
  active: number;
  failed: number;
  /** How long the oldest of those that wait has been due, in ms; 0 where none waits. */
  oldestWaitingMs: number;
}

/** The state of every queue of every cell. */
export async function readQueues(cells: Cells): Promise<QueueState[]> {
  const states = await Promise.all(
    (await cells.all()).map(async (cell) => Promise.all((await queueNames(cell)).map((name) => readQueue(cell, name)))),
  );
  return states.flat();
}

/** The same with a queue's cells taken together, sorted by name. */
export function overCells(states: QueueState[]): Omit<QueueState, 'cell'>[] {
  const queues = new Map<string, Omit<QueueState, 'cell'>>();
  for (const { cell: _cell, ...state } of states) {
    const sum = queues.get(state.queue);
    queues.set(state.queue, sum === undefined ? state : together(sum, state));
  }
  return [...queues.values()].toSorted((one, other) => (one.queue < other.queue ? -1 : 1));
}

function together(one: Omit<QueueState, 'cell'>, other: Omit<QueueState, 'cell'>): Omit<QueueState, 'cell'> {
  return {
    ...one,
    waiting: one.waiting + other.waiting,
    delayed: one.delayed + other.delayed,
    active: one.active + other.active,
    failed: one.failed + other.failed,
    oldestWaitingMs: Math.max(one.oldestWaitingMs, other.oldestWaitingMs),
  };
}

async function readQueue(pipeline: Pipeline, name: string): Promise<QueueState> {
  const queue = queueOf(pipeline, name);
  const [counts, waiting, prioritized] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed'),
    queue.getJobs(['waiting'], 0, 0, true),
    oldestOfEachPriority(pipeline, name),
  ]);
  const now = Date.now();
  const oldest = Math.min(now, ...waiting.map(({ timestamp, opts }) => dueAt(timestamp, opts)), ...prioritized);
  return {
    cell: pipeline.cell,
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

/** BullMQ's score of a prioritized entry: its priority times this, and a number that grows with each entry. */
const PRIORITY_STEP = 0x100000000;

/** When the first entry of each priority came due, in ms since the epoch: one of a low priority may wait far longer than the next to be taken. */
async function oldestOfEachPriority({ redis, keys }: Pipeline, queue: string): Promise<number[]> {
  const priorities = [...Object.values(queuePriority), shadowPriority].filter((priority) => priority > 0);
  const firsts = await Promise.all(
    priorities.map((priority) =>
      redis.zrangebyscore(
        `${keys.prefix}:${queue}:prioritized`,
        priority * PRIORITY_STEP,
        `(${(priority + 1) * PRIORITY_STEP}`,
        'LIMIT',
        0,
        1,
      ),
    ),
  );
  const entries = await Promise.all(firsts.flat().map((id) => redis.hmget(`${keys.prefix}:${queue}:${id}`, 'timestamp', 'opts')));
  return entries.flatMap(([timestamp, options]) =>
    timestamp ? [dueAt(Number(timestamp), JSON.parse(options ?? '{}') as JobsOptions)] : [],
  );
}

/** An entry that was put off when it was made has waited since its time came. BullMQ keeps that delay in the entry's options alone. */
function dueAt(timestamp: number, { delay = 0 }: JobsOptions): number {
  return timestamp + delay;
}

/** The tier whose worker consumes a queue; null for the queues of no tier. */
export function tierOf(queue: string): string | null {
  return parseModelQueue(queue)?.tier ?? (queue === FALLBACK_QUEUE ? FALLBACK_QUEUE : null);
}

/** Brings the gauges of queue depth and oldest waiting age up to date. */
export async function measureQueues(cells: Cells): Promise<void> {
  const { metrics } = cells;
  for (const { queue, tier: itsTier, oldestWaitingMs, waiting, delayed, active, failed } of overCells(await readQueues(cells))) {
    const tier = itsTier ?? '';
    for (const [state, count] of Object.entries({ waiting, delayed, active, failed }))
      metrics.queueDepth.set({ queue, tier, state }, count);
    metrics.oldestWaitingSeconds.set({ queue, tier }, oldestWaitingMs / 1000);
  }
}

export async function unfinishedJobs(cells: Cells): Promise<number> {
  const counts = await Promise.all((await cells.all()).map(unfinishedIn));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A ping that takes longer than this is no answer; while Redis is away it would wait for ever. */
const PING_MS = 1000;

/** Whether Redis answers now. */
export async function redisReadiness({ redis }: Connection): Promise<{ ready: boolean; reason: string }> {
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
