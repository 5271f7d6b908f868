import { ConfigError } from '@upshift/runtime';
import {
  accept,
  advance,
  CLASSIFY_QUEUE,
  consume,
  consumedCells,
  done,
  forgetJobs,
  listJobs,
  minuteOf,
  overCells,
  readJob,
  readQueues,
  readStats,
  retireCells,
  unfinishedJobs,
} from '@upshift/queues';
import type { Cells } from '@upshift/queues';
import { afterAll, beforeEach, expect, test } from 'vitest';

import { exampleConfig, question } from '../routing/example.ts';
import { anotherProcess, emptyRedis } from './bed.ts';
import { keysLike, simple, until, untilBlocked } from './setting.ts';

/** The cells of a process of its own, told `UPSHIFT_CELLS`. */
async function open(cells: number, config = exampleConfig(), spreads = false): Promise<Cells> {
  return anotherProcess({ cells, config, spreads });
}

/** The same for an intake. */
function openIntake(cells: number, config = exampleConfig()): Promise<Cells> {
  return open(cells, config, true);
}

beforeEach(emptyRedis);
// The numbers of cells would hold for the first test of whatever file comes next.
afterAll(emptyRedis);

async function acceptMany(cells: Cells, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push((await accept(cells, question, null)).id);
  return ids;
}

/** Says when the numbers of cells held, as if time had passed. */
async function rewrite(cells: Cells, periods: { cells: number; since: number }[]): Promise<void> {
  await cells.redis.zadd('{upshift-0}:cells', ...periods.flatMap((period) => [period.since, period.cells]));
}

const periodsOf = ({ redis }: Cells): Promise<string[]> => redis.zrange('{upshift-0}:cells', 0, '-1');

test('jobs go to all cells, their ids say which, and every key of a job carries the tag of its cell', async () => {
  const cells = await openIntake(4);
  const ids = await acceptMany(cells, 40);
  expect(new Set(ids.map((id) => id.charAt(4)))).toEqual(new Set(['0', '1', '2', '3']));
  for (const id of ids) {
    const tag = `{upshift-${id.charAt(4)}}`;
    expect(await cells.redis.exists(`${tag}:job:${id}`)).toBe(1);
    expect(await cells.redis.zscore(`${tag}:index:queued:default`, id)).not.toBeNull();
    expect(await cells.redis.exists(`${tag}:classify:${id}.1.classify.1`)).toBe(1);
    expect((await readJob(cells.of(id), id))?.state.id).toBe(id);
  }
  expect(await unfinishedJobs(cells)).toBe(40);
});

test('jobs with one key are one job, whichever process takes them', async () => {
  const intakes = await Promise.all([openIntake(4), openIntake(4)]);
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  const accepted = await Promise.all(
    keys.flatMap((key) => [0, 1, 0, 1].map((intake) => accept(intakes[intake]!, question, { key }))),
  );
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(keys.length);
  expect(accepted.filter(({ created }) => created)).toHaveLength(keys.length);
  expect(new Set(accepted.map(({ id }) => id.charAt(4))).size).toBe(4);
});

test('where there are jobs already, a new number of cells holds some seconds later, for all processes at once', async () => {
  const old = await openIntake(1);
  await acceptMany(old, 1);
  const raised = await openIntake(4);
  expect(await periodsOf(old)).toEqual(['1', '4']);
  const since = Number(await old.redis.zscore('{upshift-0}:cells', '4'));
  expect(since - Date.now()).toBeGreaterThan(5000);
  expect(since - Date.now()).toBeLessThanOrEqual(10_000);
  expect((await acceptMany(raised, 20)).every((id) => id.startsWith('job_0'))).toBe(true);
  await rewrite(old, [{ cells: 4, since: Date.now() - 1 }]);
  // A process that was started with the old number goes by the new one too.
  const late = await open(1);
  expect(new Set((await acceptMany(late, 40)).map((id) => id.charAt(4))).size).toBe(4);
});

test('jobs from before there was a number of cells are in the first one', async () => {
  const old = await openIntake(1);
  await acceptMany(old, 1);
  await old.redis.del('{upshift-0}:cells');
  await openIntake(4);
  expect(await periodsOf(old)).toEqual(['1', '4']);
});

test('a number that is announced twice changes nothing, and a first one holds at once', async () => {
  const [one, other] = [await openIntake(3), await openIntake(3)];
  expect(await one.redis.zrange('{upshift-0}:cells', 0, '-1', 'WITHSCORES')).toEqual(['3', '0']);
  expect((await other.all()).map(({ cell }) => cell)).toEqual([0, 1, 2]);
});

test('after a change of the number a key still finds the job that it made before', async () => {
  const before = await openIntake(1);
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  const made = await Promise.all(keys.map((key) => accept(before, question, { key })));
  await openIntake(4);
  await rewrite(before, [{ cells: 4, since: Date.now() - 1 }]);
  const after = await open(4);
  const again = await Promise.all(keys.map((key) => accept(after, question, { key })));
  expect(again).toEqual(made.map(({ id }) => ({ id, created: false, state: null })));
});

test('the newest jobs of all cells are listed in the order in which they were accepted, each on one page', async () => {
  const cells = await openIntake(4);
  const ids = await acceptMany(cells, 25);
  const pages: string[][] = [];
  for (let after: string | null = null, more = true; more;) {
    const page = await listJobs(cells, {}, { limit: 10, after });
    pages.push(page.ids);
    after = page.ids.at(-1) ?? null;
    more = page.hasMore;
  }
  expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
  const times = pages.flat().map((id) => id.slice(5, 17));
  expect(times).toEqual(times.toSorted().toReversed());
  expect(pages.flat().toSorted()).toEqual(ids.toSorted());
});

test('queues and counters are those of all cells together', async () => {
  const cells = await openIntake(4);
  await acceptMany(cells, 30);
  const [classify] = overCells(await readQueues(cells));
  expect(classify).toMatchObject({ queue: CLASSIFY_QUEUE, waiting: 30, active: 0 });
  const minute = minuteOf(Date.now());
  const accepted = (await readStats(cells, minute - 1, minute)).reduce((sum, { accepted: ofMinute }) => sum + ofMinute, 0);
  expect(accepted).toBe(30);
});

test('one consumer works on all cells, and has no more in hand than it may', async () => {
  const cells = await openIntake(4);
  const ids = await acceptMany(cells, 40);
  const [worked, most] = [new Set<string>(), { inHand: 0, ever: 0 }];
  const consumer = consume(await consumedCells(cells), CLASSIFY_QUEUE, 'classify', 3, async (step) => {
    most.ever = Math.max(most.ever, (most.inHand += 1));
    expect(step.pipeline.cell).toBe(Number.parseInt(step.job.id.charAt(4), 16));
    await step.advance(simple);
    most.inHand -= 1;
    worked.add(step.job.id);
    return done;
  });
  await until(cells.first, async () => worked.size === ids.length);
  await consumer.close();
  expect(most.ever).toBeLessThanOrEqual(3);
  expect(worked).toEqual(new Set(ids));
});

test('a consumer that closes while it has no free slot waits for one in no cell', async () => {
  const cells = await openIntake(2);
  await acceptMany(cells, 20);
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const consumer = consume(await consumedCells(cells), CLASSIFY_QUEUE, 'classify', 1, async (step) => {
    begun.resolve();
    await mayEnd.promise;
    await step.advance(simple);
    return done;
  });
  await begun.promise;
  await cells.redis.ping();
  const closed = consumer.close();
  mayEnd.resolve();
  await closed;
  expect((await readQueues(cells)).filter(({ active }) => active > 0)).toEqual([]);
});

test('an entry whose word reaches a process without a free slot is taken at once by another that has one', async () => {
  const { busy, idle } = { busy: await openIntake(2), idle: await open(2) };
  const mayEnd = Promise.withResolvers<void>();
  const takenBy: string[] = [];
  const consumeAs = async (cells: Cells, name: string, concurrency: number) =>
    consume(await consumedCells(cells), CLASSIFY_QUEUE, 'classify', concurrency, async (step) => {
      takenBy.push(name);
      if (name === 'busy') await mayEnd.promise;
      await step.advance(simple);
      return done;
    });
  const acceptIn = async (cell: number): Promise<void> => {
    const pipeline = (await busy.all())[cell]!;
    const place = async () => ({ pipeline, others: [], earlier: [], cells: 2 });
    await accept({ ...busy, place }, question, null);
  };

  const consumers = [await consumeAs(busy, 'busy', 1)];
  await untilBlocked(busy.first, 2);
  await acceptIn(0);
  // Its line of the other cell has waited longest for the word.
  await untilBlocked(busy.first, 1);
  consumers.push(await consumeAs(idle, 'idle', 1));
  await untilBlocked(busy.first, 3);
  await acceptIn(1);
  const acceptedAt = performance.now();
  await until(busy.first, async () => takenBy.length === 2);
  const tookMs = performance.now() - acceptedAt;
  mayEnd.resolve();
  await Promise.all(consumers.map((consumer) => consumer.close()));
  expect(takenBy).toEqual(['busy', 'idle']);
  // Without the word it looks again after 5 s.
  expect(tookMs).toBeLessThan(3000);
});

test('a process that is told its cells leaves the others alone, and one that there is not is refused', async () => {
  const cells = await openIntake(4);
  const ids = await acceptMany(cells, 40);
  const told = await anotherProcess({ ...cells.options, consumed: [1, 3] });
  const worked = new Set<string>();
  const consumer = consume(await consumedCells(told), CLASSIFY_QUEUE, 'classify', 10, async (step) => {
    await step.advance(simple);
    worked.add(step.job.id);
    return done;
  });
  const own = ids.filter((id) => ['1', '3'].includes(id.charAt(4)));
  await until(cells.first, async () => worked.size === own.length);
  await consumer.close();
  expect(worked).toEqual(new Set(own));
  const wrong = await anotherProcess({ ...cells.options, consumed: [2, 4] });
  await expect(consumedCells(wrong)).rejects.toThrow(ConfigError);
  await expect(consumedCells(wrong)).rejects.toThrow(
    'UPSHIFT_CONSUME_CELLS can not be used:\n  - names cell 4; there are cells 0 to 3',
  );
});

test('a lower number is told loudly while a cell that is left out has open jobs, which are still consumed', async () => {
  const before = await openIntake(4);
  const ids = await acceptMany(before, 40);
  const warnings: object[] = [];
  const logger = Object.assign(Object.create(before.logger) as typeof before.logger, {
    warn: (what: object) => void warnings.push(what),
  });
  const lowered = await anotherProcess({ ...before.options, logger, cells: 2, spreads: false });
  const openIn = (cell: string): number => ids.filter((id) => id.charAt(4) === cell).length;
  expect(warnings).toEqual([
    { cell: 2, open: openIn('2') },
    { cell: 3, open: openIn('3') },
  ]);
  expect((await consumedCells(lowered)).map(({ cell }) => cell)).toEqual([0, 1, 2, 3]);
});

test('cells that are left out are given up when the last job of theirs is forgotten, and all else that is theirs, not before', async () => {
  const config = exampleConfig((file) => Object.assign(file, { retention: { job_hours: 2, idempotency_hours: 1 } }));
  const before = await openIntake(4, config);
  const ids = await acceptMany(before, 40);
  await openIntake(2, config);
  const hours = 3_600_000;
  await rewrite(before, [
    { cells: 4, since: Date.now() - 5 * hours },
    { cells: 2, since: Date.now() - 2 * hours },
  ]);
  await retireCells(before);
  expect(await periodsOf(before)).toEqual(['4', '2']);
  for (const id of ids) await advance(before.of(id), id, { type: 'cancelled' });
  // A job in quarantine that nobody ever looked at holds its cell no longer than it is kept.
  await before.redis.zadd(
    '{upshift-3}:quarantine',
    Date.now(),
    ids.find((id) => id.charAt(4) === '3')!,
  );
  await retireCells(before);
  expect(await periodsOf(before)).toEqual(['4', '2']);
  for (const cell of await before.all()) {
    for (const id of ids.filter((one) => one.charAt(4) === String(cell.cell)))
      await cell.redis.zadd(`{upshift-${cell.cell}}:expiries`, Date.now() - 1, id);
    await forgetJobs(cell);
  }
  const { redis } = before;
  // The minutes of these jobs, in which their cells have counters, last for two days; then they are gone.
  const forgetMinutes = async () => redis.del(...(await keysLike(redis, '{upshift-3}:stats:*')));
  const label = () => redis.xadd('{upshift-3}:labels', '*', 'label', '{}');
  const leftovers: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['counters of a minute', async () => undefined, forgetMinutes],
    ['a label', label, () => redis.xtrim('{upshift-3}:labels', 'MAXLEN', 0)],
    ['a delivery', () => redis.zadd('{upshift-3}:deliver:delayed', 1, 'd'), () => redis.del('{upshift-3}:deliver:delayed')],
  ];
  await redis.del(...(await keysLike(redis, '{upshift-2}:stats:*')));
  for (const [what, leave, take] of leftovers) {
    await leave();
    await retireCells(before);
    expect({ left: what, periods: await periodsOf(before) }).toEqual({ left: what, periods: ['4', '2'] });
    await take();
  }
  await retireCells(before);
  expect(await periodsOf(before)).toEqual(['2']);
  expect((await (await open(2)).all()).map(({ cell }) => cell)).toEqual([0, 1]);
});

test('the backlog is shared out: a job with a key is put off by its own cell, one without by all of them', async () => {
  const config = exampleConfig((file) => Object.assign(file, { intake: { max_backlog: 8 } }));
  const cells = await openIntake(4, config);
  const ids = await acceptMany(cells, 8);
  const perCell = ['0', '1', '2', '3'].map((cell) => ids.filter((id) => id.charAt(4) === cell).length);
  expect(perCell).toEqual([2, 2, 2, 2]);
  for (const claim of [null, { key: 'k' }])
    await expect(accept(cells, question, claim)).rejects.toMatchObject({ code: 'backlog_full' });
});
