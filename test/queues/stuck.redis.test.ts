import type { JobEvent } from '@upshift/contracts';
import { accept, advance, CLASSIFY_QUEUE, queueOf, readQueues, readStuck } from '@upshift/queues';
import type { Stuck } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { answered, judged, question, sent } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { entriesOf, simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const LONG_MS = 120_000;
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function stuck(): Promise<Stuck> {
  return readStuck(pipeline, await readQueues(pipeline));
}

/** Accepts a job as if long ago. */
async function acceptLongAgo(): Promise<{ id: string }> {
  vi.useFakeTimers({ now: Date.now() - LONG_MS, toFake: ['Date'] });
  const accepted = await accept(pipeline, question, null);
  vi.useRealTimers();
  return accepted;
}

async function addEntry(options: { timestamp?: number; delay?: number; priority?: number }): Promise<void> {
  await queueOf(pipeline, CLASSIFY_QUEUE).add('classify', {}, options);
  await pipeline.redis.sadd('{upshift-0}:queues', CLASSIFY_QUEUE);
}

test('a queue says what it has, by state, and how long the oldest entry has waited', async () => {
  await addEntry({ timestamp: Date.now() - LONG_MS });
  await addEntry({ priority: 2 });
  await addEntry({ delay: LONG_MS });
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);

  const [classify, model] = await readQueues(pipeline);
  expect(classify).toMatchObject({ queue: 'classify', tier: null, model: null, waiting: 3, delayed: 1, active: 0, failed: 0 });
  expect(classify?.oldestWaitingMs).toBeGreaterThanOrEqual(LONG_MS);
  expect(model).toMatchObject({ queue: 'tier.economy.openai~2Flow', tier: 'economy', model: 'openai/low', waiting: 1 });
});

test('the oldest entry counts even where one of a higher priority is taken before it', async () => {
  await addEntry({ timestamp: Date.now() - LONG_MS, priority: 2 });
  await addEntry({ priority: 1 });
  const [classify] = await readQueues(pipeline);
  expect(classify?.oldestWaitingMs).toBeGreaterThanOrEqual(LONG_MS);
});

test('an entry that was put off waits since its time came, not since it was made', async () => {
  const options = [{}, { priority: 2 }].map((more) => ({ timestamp: Date.now() - LONG_MS, delay: LONG_MS - 1000, ...more }));
  for (const one of options) await addEntry(one);
  for (const entry of await queueOf(pipeline, CLASSIFY_QUEUE).getDelayed()) await entry.promote();
  const [classify] = await readQueues(pipeline);
  expect(classify).toMatchObject({ waiting: 2, delayed: 0 });
  expect(classify?.oldestWaitingMs).toBeGreaterThanOrEqual(1000);
  expect(classify?.oldestWaitingMs).toBeLessThan(LONG_MS);
  expect((await stuck()).queues).toEqual([]);
});

test('nothing is stuck where entries have only just begun to wait', async () => {
  await accept(pipeline, question, null);
  expect(await stuck()).toEqual({ queues: [], jobs: [] });
});

test('all that waits is stuck once the oldest has waited long and nobody takes any', async () => {
  await addEntry({ timestamp: Date.now() - LONG_MS });
  await addEntry({});
  expect((await stuck()).queues).toMatchObject([{ queue: 'classify', tier: null, entries: 2 }]);
});

test('a queue of which something runs is not stuck, however long others wait', async () => {
  await addEntry({ timestamp: Date.now() - LONG_MS });
  await addEntry({ timestamp: Date.now() - LONG_MS });
  const [id = ''] = await entriesOf(pipeline, CLASSIFY_QUEUE);
  await pipeline.redis.lrem('{upshift-0}:classify:wait', 1, id);
  await pipeline.redis.lpush('{upshift-0}:classify:active', id);
  expect((await stuck()).queues).toEqual([]);
});

test('delayed entries whose time is long past are stuck, those whose time comes are not', async () => {
  await addEntry({ timestamp: Date.now() - LONG_MS, delay: 1000 });
  await addEntry({ delay: LONG_MS });
  expect((await stuck()).queues).toMatchObject([{ queue: 'classify', entries: 1 }]);
});

test('a job that waits its turn is not lost; one whose entry is gone is, once it is no longer new', async () => {
  await acceptLongAgo();
  const lost = await acceptLongAgo();
  const fresh = await accept(pipeline, question, null);
  for (const { id } of [lost, fresh]) await queueOf(pipeline, CLASSIFY_QUEUE).remove(`${id}.1.classify.1`);

  expect((await stuck()).jobs).toMatchObject([{ id: lost.id, queue: 'classify', tier: null, reason: 'its queue entry is gone' }]);
});

/** Lets something happen right after Redis has answered a command for the first time. */
function afterFirst(command: 'hmget' | 'zrangebylex', happens: () => Promise<unknown>): void {
  const original = pipeline.redis[command].bind(pipeline.redis) as (...args: unknown[]) => Promise<unknown>;
  const spy = vi.spyOn(pipeline.redis, command) as unknown as { mockImplementationOnce(to: typeof original): void };
  spy.mockImplementationOnce(async (...args) => {
    const reply = await original(...args);
    await happens();
    return reply;
  });
}

async function finish(id: string, entry: string, ...events: JobEvent[]): Promise<void> {
  for (const event of events) await advance(pipeline, id, event);
  await queueOf(pipeline, CLASSIFY_QUEUE).remove(entry);
}

test('a job that moves on, or ends, while it is looked at is not lost', async () => {
  const { id } = await acceptLongAgo();
  const entry = `${id}.1.classify.1`;
  afterFirst('hmget', () => finish(id, entry, simple));
  expect((await stuck()).jobs).toEqual([]);

  afterFirst('zrangebylex', () => finish(id, entry, sent(1), answered(1), judged(1, 0.9)));
  expect((await stuck()).jobs).toEqual([]);
  expect(await stateOf(pipeline, id)).toMatchObject({ status: 'completed' });
});
