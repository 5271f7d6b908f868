import { accept, advance, keepSavings, readSavings } from '@upshift/queues';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';

import { answered, judged, MIDDLE, question, sent, verdictAt } from '../routing/example.ts';
import { closeAll, flushAll, keysLike, openTestPipeline, simple } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const DAY_MS = 24 * 3_600_000;
const opened: TestPipeline[] = [];
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await openTestPipeline(inject('redisUrl'));
  opened.push(pipeline);
  await flushAll(pipeline);
});
afterEach(async () => {
  vi.useRealTimers();
  await closeAll(opened);
});

async function completeOne(): Promise<void> {
  const { id } = await accept(pipeline, question, null);
  for (const event of [simple, sent(1), answered(1), judged(1, 0.9)]) await advance(pipeline, id, event);
}

test('what a day came to is kept when its minutes are gone, however often it is summed up', async () => {
  await completeOne();
  await keepSavings(pipeline);
  await keepSavings(pipeline);
  await pipeline.redis.del(await keysLike(pipeline.redis, '*:stats:*'));
  const tomorrow = Date.now() + DAY_MS;
  vi.useFakeTimers({ now: tomorrow, toFake: ['Date'] });
  await keepSavings(pipeline);
  const { total, routes } = await readSavings(pipeline, 2);
  expect(total).toMatchObject({ jobs: 1, good: 1, all_economy: { model: 'openai/low', cost_usd: 0.0015 } });
  expect(Object.keys(routes)).toEqual(['default']);
  expect((await readSavings(pipeline, 1)).total.jobs).toBe(0);
});

test('the day that goes on is told up to now', async () => {
  await completeOne();
  await completeOne();
  expect((await readSavings(pipeline, 7)).total.jobs).toBe(2);
});

test('a job that a late verdict ends anew is counted once, and no more as good', async () => {
  const { id } = await accept(pipeline, { ...question, model: MIDDLE }, null);
  for (const event of [simple, sent(1), answered(1), judged(1, 0.9)]) await advance(pipeline, id, event);
  await advance(pipeline, id, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) });
  expect((await readSavings(pipeline, 1)).total).toMatchObject({ jobs: 1, good: 0, all_premium: { cost_usd: 0.06 } });
});
