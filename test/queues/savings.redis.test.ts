import { accept, advance, keepSavings, minuteOf, readSavings, readStats } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { answered, judged, MIDDLE, question, sent, verdictAt } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { keysLike, simple } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const DAY_MS = 24 * 3_600_000;
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});
afterEach(() => void vi.useRealTimers());

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

test('a minute that can not be read fails what asks for it, and is not taken for one in which nothing happened', async () => {
  await completeOne();
  await keepSavings(pipeline);
  const minute = minuteOf(Date.now());
  await pipeline.redis.set(pipeline.keys.stats(minute), 'no counters');
  await expect(readStats(pipeline, minute - 1, minute)).rejects.toThrow('WRONGTYPE');
  await expect(keepSavings(pipeline)).rejects.toThrow('WRONGTYPE');
});

test('a route may go by the name of what every object has', async () => {
  const key = pipeline.keys.stats(minuteOf(Date.now()));
  await pipeline.redis.hset(key, { 'saved:constructor:jobs': 2, 'saved:__proto__:jobs': 3, 'saved:toString:jobs': 4 });
  const { routes } = await readSavings(pipeline, 1);
  expect(Object.entries(routes).map(([name, { jobs }]) => [name, jobs])).toEqual([
    ['__proto__', 3],
    ['constructor', 2],
    ['toString', 4],
  ]);
  expect(Object).not.toHaveProperty('jobs');
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

test('a job that a late verdict reopened counts as ended, answered and saved on once, by its last end', async () => {
  const { id } = await accept(pipeline, question, null);
  const first = [simple, sent(1), answered(1), judged(1, 0.9)];
  for (const event of first) await advance(pipeline, id, event);
  const once = await totals();
  expect(once).toMatchObject({ completed: 1, answered: { economy: 1 } });

  await advance(pipeline, id, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) });
  expect(await totals()).toMatchObject({ completed: 0, aloneNanoUsd: 0, answered: { economy: 0 } });
  for (const event of [sent(2, 4), answered(2), judged(2, 0.9)]) await advance(pipeline, id, event);
  expect(await totals()).toEqual({ ...once, answered: { economy: 0, standard: 1 } });
});

async function totals() {
  const minute = minuteOf(Date.now());
  const stats = await readStats(pipeline, minute - 1, minute);
  const total = (value: (one: (typeof stats)[number]) => number): number => stats.reduce((sum, one) => sum + value(one), 0);
  const tiers = [...new Set(stats.flatMap(({ answered: byTier }) => Object.keys(byTier)))];
  return {
    completed: total(({ ended }) => ended.completed),
    aloneNanoUsd: total(({ aloneNanoUsd }) => aloneNanoUsd),
    answered: Object.fromEntries(tiers.map((tier) => [tier, total(({ answered: byTier }) => byTier[tier] ?? 0)])),
  };
}
