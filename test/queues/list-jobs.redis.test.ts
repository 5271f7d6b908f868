import { accept, advance, forgetJobs, listJobs, minuteOf, readJob, readStats, readTrail } from '@upshift/queues';
import type { JobFilter } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { answered, exampleConfig, judged, requestOf, sent } from '../routing/example.ts';
import { anotherProcess, freshPipeline } from './bed.ts';
import { dumpOf, simple } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline(
    exampleConfig((file) => Object.assign(file, { retention: { job_hours: 2, idempotency_hours: 1 } })),
  );
});
afterEach(() => void vi.useRealTimers());

/** Ids grow by the millisecond: jobs of one test get times of their own. */
let clock = Date.now();

async function acceptAt(body: Parameters<typeof requestOf>[0]): Promise<string> {
  clock += 1;
  vi.useFakeTimers({ now: clock, toFake: ['Date'] });
  const { id } = await accept(pipeline, requestOf(body), null);
  vi.useRealTimers();
  return id;
}

async function complete(id: string): Promise<void> {
  for (const event of [simple, sent(1), answered(1), judged(1, 1)]) await advance(pipeline, id, event);
}

const input = { prompt: 'Why is the sky blue?' };

async function listed(filter: JobFilter, limit = 10, after: string | null = null): Promise<string[]> {
  return (await listJobs(pipeline, filter, { limit, after })).ids;
}

test('jobs are listed newest first, page by page, each once', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 7; count += 1) ids.unshift(await acceptAt({ input }));
  const first = await listJobs(pipeline, {}, { limit: 3 });
  expect(first).toEqual({ ids: ids.slice(0, 3), hasMore: true });
  const second = await listJobs(pipeline, {}, { limit: 3, after: first.ids.at(-1) ?? null });
  expect(second).toEqual({ ids: ids.slice(3, 6), hasMore: true });
  expect(await listJobs(pipeline, {}, { limit: 3, after: second.ids.at(-1) ?? null })).toEqual({ ids: [ids[6]], hasMore: false });
});

test('a filter finds what fits all of its parts, and follows the status of a job', async () => {
  const plain = await acceptAt({ input });
  const chat = await acceptAt({ input, route: 'chat', metadata: { team: 'red', stage: 'one' } });
  const red = await acceptAt({ input, task: 'translation', metadata: { team: 'red' } });
  expect(await listed({ route: 'chat' })).toEqual([chat]);
  expect(await listed({ metadata: { team: 'red' } })).toEqual([red, chat]);
  expect(await listed({ metadata: { team: 'red', stage: 'one' } })).toEqual([chat]);
  expect(await listed({ metadata: { team: 'red' }, task: 'translation' })).toEqual([red]);
  expect(await listed({ metadata: { 'team":"red': '' } })).toEqual([]);
  await complete(plain);
  expect(await listed({ status: 'completed' })).toEqual([plain]);
  expect(await listed({ status: 'queued' })).toEqual([red, chat]);
  expect(await listed({ status: 'completed', route: 'chat' })).toEqual([]);
});

test('a job whose retention has ended is forgotten with all its places, and others stay', async () => {
  const kept = await acceptAt({ input });
  const before = await dumpOf(pipeline);
  const id = await acceptAt({ input, metadata: { team: 'red' } });
  await complete(id);
  expect(await forgetJobs(pipeline)).toBe(0);
  await pipeline.redis.zadd('{upshift-0}:expiries', Date.now() - 1, id);
  expect(await forgetJobs(pipeline)).toBe(1);
  expect(await readJob(pipeline, id)).toBeNull();
  expect(await listed({})).toEqual([kept]);
  const leftOver = Object.keys(await dumpOf(pipeline)).filter((key) => /^.upshift-0.:(index|job|expiries)/.test(key));
  expect(leftOver).toEqual(Object.keys(before).filter((key) => /^.upshift-0.:(index|job|expiries)/.test(key)));
});

test('however many are due, one run forgets them: jobs end faster than one by one', async () => {
  const ids = await Promise.all(Array.from({ length: 450 }, () => acceptAt({ input })));
  await Promise.all(ids.map((id) => advance(pipeline, id, { type: 'cancelled' })));
  await pipeline.redis.zadd('{upshift-0}:expiries', ...ids.flatMap((id) => [Date.now() - 1, id]));
  expect(await forgetJobs(pipeline)).toBe(450);
  expect(await listed({})).toEqual([]);
});

test('a job that was reopened before it was forgotten stays', async () => {
  const id = await acceptAt({ input });
  await complete(id);
  const verdict = { score: 0, passed: false, checks: [] };
  await advance(pipeline, id, { type: 'verdict-arrived-late', revision: 1, verdict });
  await pipeline.redis.zadd('{upshift-0}:expiries', Date.now() - 1, id);
  expect(await forgetJobs(pipeline)).toBe(0);
  expect(await readJob(pipeline, id)).not.toBeNull();
});

test('the counters of a minute add up to the trails of its jobs, and events that change nothing are not counted', async () => {
  const from = minuteOf(Date.now());
  const id = await acceptAt({ input });
  await complete(id);
  await advance(pipeline, id, judged(1, 1));
  const minutes = await readStats(pipeline, from, minuteOf(Date.now()) + 1);
  const sum = (of: (minute: (typeof minutes)[number]) => number): number =>
    minutes.reduce((total, minute) => total + of(minute), 0);
  const spent = (await readTrail(pipeline, id)).find(({ event }) => event === 'attempt-settled')?.cost_usd ?? 0;
  expect(spent).toBeGreaterThan(0);
  expect(sum(({ costNanoUsd }) => costNanoUsd)).toBe(Math.round(spent * 1e9));
  expect(sum(({ aloneNanoUsd }) => aloneNanoUsd)).toBeGreaterThan(spent * 1e9);
  expect(sum(({ accepted }) => accepted)).toBe(1);
  expect(sum(({ ended }) => ended.completed)).toBe(1);
  expect(sum(({ answered: of }) => of['economy'] ?? 0)).toBe(1);
});

test('there is more where many that do not fit lie between, and where each cell has no more than asked for', async () => {
  const cells = await anotherProcess({ cells: 2 });
  const idsOf = (cell: number, count: number) =>
    Array.from({ length: count }, (_, index) => `job_${cell}${String(index).padStart(30, '0')}`);
  const stand = async (cell: number, index: string, ids: string[]) => {
    const { redis, keys } = cells.of(`job_${cell}${'0'.repeat(30)}`);
    await redis.zadd(keys.index(index), ...ids.flatMap((id) => ['0', id]));
  };
  const many = idsOf(0, 1500);
  await stand(0, 'task:many', many);
  await cells.redis.sadd(cells.first.keys.routes, 'default');
  // Of those that fit one is among the first thousand that are looked at, and one behind them.
  const fit = [many[1400]!, many[100]!];
  await stand(0, 'queued:default', [...fit, ...idsOf(0, 3500).slice(1600)]);
  const filter: JobFilter = { status: 'queued', task: 'many' };
  expect(await listJobs(cells, filter, { limit: 1 })).toEqual({ ids: [fit[0]], hasMore: true });
  expect(await listJobs(cells, filter, { limit: 1, after: fit[0]! })).toEqual({ ids: [fit[1]], hasMore: false });
  for (const cell of [0, 1]) await stand(cell, 'task:few', idsOf(cell, 1));
  expect(await listJobs(cells, { task: 'few' }, { limit: 1 })).toMatchObject({ hasMore: true });
});
