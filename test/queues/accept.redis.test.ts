import { createHash } from 'node:crypto';

import { ProblemError } from '@upshift/contracts';
import type { JobEvent } from '@upshift/contracts';
import {
  accept,
  acceptAll,
  advance,
  CLASSIFY_QUEUE,
  forgetJobs,
  listJobs,
  minuteOf,
  modelQueue,
  readEvents,
  readJob,
  readQueues,
  readStats,
  readTrail,
  unfinishedJobs,
} from '@upshift/queues';
import type { Accepted, Asked, Pipeline } from '@upshift/queues';
import { beforeEach, describe, expect, test } from 'vitest';

import { markAlone } from '../../packages/queues/src/quarantine.ts';
import { answered, exampleConfig, judged, LOW, question, requestOf, sent, verdictAt } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { dumpOf, entriesOf, keysLike, simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});

const asking = (body: Parameters<typeof requestOf>[0], key: string | null = null): Asked => ({
  request: requestOf(body),
  key,
  traceparent: null,
});
const input = { prompt: 'Why?' };

function idsOf(results: (Accepted | Error)[]): string[] {
  return results.map((result) => (result instanceof Error ? result.message : result.id));
}

test('jobs that are accepted together are each what they would be alone, in their order', async () => {
  const results = await acceptAll(pipeline, [
    asking({ input, priority: 'low' }),
    asking({ input, task: 'translation', metadata: { team: 'red' } }),
    asking({ input, route: 'chat' }),
    asking({ input, limits: { deadline: new Date(Date.now() + 60_000).toISOString() } }),
  ]);
  const ids = idsOf(results);
  expect(await pipeline.redis.zrange('{upshift-0}:classify:prioritized', '0', '-1')).toEqual(
    [1, 2, 3, 0].map((position) => `${ids[position]}.1.classify.1`),
  );
  expect((await listJobs(pipeline, {}, { limit: 10 })).ids.toSorted()).toEqual(ids.toSorted());
  expect((await listJobs(pipeline, { task: 'translation', metadata: { team: 'red' } }, { limit: 10 })).ids).toEqual([ids[1]]);
  expect((await listJobs(pipeline, { route: 'chat', status: 'queued' }, { limit: 10 })).ids).toEqual([ids[2]]);
  expect(await pipeline.redis.zrange('{upshift-0}:deadlines', '0', '-1')).toEqual([ids[3]]);
  expect(await unfinishedJobs(pipeline)).toBe(4);
});

test('a job that is refused harms no other, and one key in a batch makes one job', async () => {
  const results = await acceptAll(pipeline, [
    asking({ input }, 'one'),
    asking({ input, route: 'nowhere' }),
    asking({ input }, 'one'),
    asking({ input: { prompt: 'Another.' } }, 'one'),
    asking({ input, webhook: 'unknown' }),
  ]);
  const [first] = results as Accepted[];
  expect(first).toMatchObject({ created: true });
  expect(results[2]).toEqual({ id: first!.id, created: false, state: null });
  expect(results.flatMap((result) => (result instanceof ProblemError ? [result.code] : []))).toEqual([
    'unknown_route',
    'idempotency_key_reused',
    'unknown_webhook',
  ]);
  expect(await entriesOf(pipeline, CLASSIFY_QUEUE)).toHaveLength(1);
});

/** A job with its keys in one order or the other, wherever they are a client's own. */
function written(backwards: boolean): Asked['request'] {
  const inOrder = <Value>(map: Record<string, Value>): Record<string, Value> =>
    Object.fromEntries(backwards ? Object.entries(map).toReversed() : Object.entries(map));
  const parameters = inOrder<unknown>({ type: 'object', properties: inOrder({ city: {}, day: {} }), required: ['city', 'day'] });
  const metadata = inOrder({ team: 'red', order: '7' });
  return requestOf({ input: { prompt: 'Why?', tools: [{ name: 'look', parameters }] }, metadata });
}

test('the same job under a key is known whatever the order of its keys, and another order of a list is another job', async () => {
  const { id } = await accept(pipeline, written(false), { key: 'k' });
  expect(await accept(pipeline, written(true), { key: 'k' })).toEqual({ id, created: false, state: null });
  const other = written(false);
  if ('messages' in other.input) other.input.tools[0]!.parameters['required'] = ['day', 'city'];
  await expect(accept(pipeline, other, { key: 'k' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

test('a key that an earlier version has claimed, by the text of the job as it is stored, holds', async () => {
  const { id } = await accept(pipeline, question, { key: 'k' });
  const [claim = ''] = await keysLike(pipeline.redis, '*idempotency*');
  const text = (await pipeline.redis.hget(pipeline.keys.job(id), 'request')) ?? '';
  const fingerprint = createHash('sha256').update(text).digest('hex');
  await pipeline.redis.set(claim, JSON.stringify({ fingerprint, id }));
  expect(await accept(pipeline, question, { key: 'k' })).toMatchObject({ id, created: false });
});

test('a backlog is filled to its last place and no further', async () => {
  const small = await anotherPipeline(exampleConfig((file) => Object.assign(file, { intake: { max_backlog: 3 } })));
  const results = await acceptAll(
    small,
    Array.from({ length: 5 }, () => asking({ input })),
  );
  expect(results.map((result) => (result instanceof ProblemError ? result.code : 'accepted'))).toEqual([
    'accepted',
    'accepted',
    'accepted',
    'backlog_full',
    'backlog_full',
  ]);
  expect(await unfinishedJobs(small)).toBe(3);
  const [begun = ''] = idsOf(results);
  for (const event of [simple, sent(1)]) await advance(small, begun, event);
  expect(await stateOf(small, begun)).toMatchObject({ status: 'in_progress' });
  await expect(accept(small, question, null)).rejects.toMatchObject({ code: 'backlog_full' });
});

describe('entries of one priority', () => {
  const acceptEight = async () => [...(await acceptFour()), ...(await acceptFour())];
  const acceptFour = async () =>
    idsOf(
      await acceptAll(
        pipeline,
        Array.from({ length: 4 }, () => asking({ input })),
      ),
    );
  const steps = [
    ['classify', 'classify.1'],
    [modelQueue('economy', LOW), 'call-1.2'],
  ];
  const keyOf = (queue = '', name = '') => `{upshift-0}:${queue}:${name}`;

  test('stand in the order in which they came, over several calls of each script', async () => {
    const ids = await acceptEight();
    for (const half of [ids.slice(0, 4), ids.slice(4)]) await Promise.all(half.map((id) => advance(pipeline, id, simple)));
    for (const [queue, step] of steps)
      expect(await pipeline.redis.zrange(keyOf(queue, 'prioritized'), '0', '-1')).toEqual(ids.map((id) => `${id}.1.${step}`));
  });

  test('stay before those of the next one when the counter of their queue runs over', async () => {
    for (const [queue] of steps) await pipeline.redis.set(keyOf(queue, 'pc'), 2 ** 32 - 3);
    for (const id of await acceptEight()) await advance(pipeline, id, simple);
    for (const [queue] of steps)
      expect(await pipeline.redis.zcount(keyOf(queue, 'prioritized'), 2 ** 32, `(${2 * 2 ** 32}`)).toBe(8);
  });
});

test('a queue is known from its first entry on; counters and claims have an end, and so has the stream of events', async () => {
  const { redis, keys } = pipeline;
  await Promise.all(Array.from({ length: 2500 }, () => redis.xadd(keys.events, '*', 'steps', '[]')));
  const { id } = await accept(pipeline, question, { key: 'k' });
  expect((await readQueues(pipeline)).map(({ queue }) => queue)).toEqual(['classify']);
  const lengthThen = await redis.xlen(keys.events);
  expect(lengthThen).toBeLessThan(2200);
  const kept = [...(await keysLike(redis, '*:stats:*')), ...(await keysLike(redis, '*:idempotency:*'))];
  expect(kept).toHaveLength(2);
  for (const key of kept) expect(await redis.pttl(key)).toBeGreaterThan(40 * 3_600_000);
  await redis.del(kept);
  await Promise.all(Array.from({ length: 300 }, () => redis.xadd(keys.events, '*', 'steps', '[]')));
  await advance(pipeline, id, simple);
  expect((await readQueues(pipeline)).map(({ queue }) => queue)).toEqual(['classify', modelQueue('economy', LOW)]);
  expect(await redis.xlen(keys.events)).toBeLessThan(2200);
  await advance(pipeline, id, { type: 'cancelled' });
  for (const key of await keysLike(redis, '*:stats:*')) expect(await redis.pttl(key)).toBeGreaterThan(40 * 3_600_000);
});

test.each([null, 'k'])('a batch that a broken connection sends twice begins its job once (key %s)', async (key) => {
  let afterFirst = {};
  const sentTwice = async (jobs: Parameters<Pipeline['accept']>[0]) => {
    await pipeline.accept(jobs);
    await advance(pipeline, jobs[0]!.id, simple);
    afterFirst = await dumpOf(pipeline);
    return pipeline.accept(jobs);
  };
  const place = async () => ({ pipeline: { ...pipeline, accept: sentTwice }, others: [], earlier: [], cells: 1 });
  expect(await acceptAll({ ...pipeline, place }, [asking({ input }, key)])).toMatchObject([{ created: true }]);
  expect(await dumpOf(pipeline)).toEqual(afterFirst);
});

test('jobs that end together are all counted', async () => {
  const ids = idsOf(await acceptAll(pipeline, [asking({ input }), asking({ input }), asking({ input })]));
  await Promise.all(ids.map((id) => advance(pipeline, id, { type: 'cancelled' })));
  const minute = minuteOf(Date.now());
  const stats = await readStats(pipeline, minute - 1, minute);
  expect(stats.reduce((sum, { ended }) => sum + ended.cancelled, 0)).toBe(3);
});

test('a trail begins with the acceptance, before and after anything else happens, and it is told once', async () => {
  const { id } = await accept(pipeline, question, null);
  const [line] = await readTrail(pipeline, id);
  expect(line).toMatchObject({ event: 'job-accepted', revision: 1, reason: expect.stringContaining('route default') });
  await advance(pipeline, id, simple);
  const trail = await readTrail(pipeline, id);
  expect(trail[0]).toEqual(line);
  expect(await readTrail(pipeline, id, 1)).toEqual(trail.slice(1));
  const told = (await readEvents(pipeline, '0-0', 10)).events.flatMap((event) => (event.job === null ? [] : event.lines));
  expect(told).toEqual(trail);
});

test('the feed tells of a job that only waits', async () => {
  const [first, second] = idsOf(await acceptAll(pipeline, [asking({ input, metadata: { team: 'red' } }), asking({ input })]));
  const { events } = await readEvents(pipeline, '0-0', 10);
  expect(events).toMatchObject([
    { job: first, position: 0, status: 'queued', metadata: { team: 'red' }, lines: [{ event: 'job-accepted' }] },
    { job: second, position: 1, metadata: {}, lines: [{ event: 'job-accepted' }] },
  ]);
});

test('a step of a new job whose record is gone writes nothing', async () => {
  const { id } = await accept(pipeline, question, null);
  const record = await readJob(pipeline, id);
  expect(record).toMatchObject({ version: 0, state: await stateOf(pipeline, id) });
  const lost = advance({ ...pipeline, redis: afterRead(pipeline, () => pipeline.redis.del(pipeline.keys.job(id))) }, id, simple);
  expect(await lost).toBeNull();
  expect(await pipeline.redis.exists(`{upshift-0}:job:${id}`)).toBe(0);
});

test('a step that was decided before another one of the same process was written is decided anew', async () => {
  const { id } = await accept(pipeline, question, null);
  let others = 0;
  const redis = afterRead(pipeline, async () => void ((others += 1) === 1 && (await advance(pipeline, id, simple))));
  await advance({ ...pipeline, redis }, id, { type: 'cancelled' });
  expect(others).toBe(2);
  expect((await stateOf(pipeline, id)).status).toBe('cancelled');
});

test('a job that is forgotten leaves nothing behind, nor does one of which nothing else is left', async () => {
  const { redis, keys } = pipeline;
  const { id } = await accept(pipeline, requestOf({ input, task: 'translation', metadata: { team: 'red' } }), null);
  await advance(pipeline, id, { type: 'cancelled' });
  await redis.zadd(keys.quarantine, 1, id);
  await redis.zadd(keys.expiries, 1, id, 1, 'job_0gone');
  expect(await forgetJobs(pipeline)).toBe(2);
  const names = await Promise.all(['job', 'index'].map((kind) => keysLike(redis, `*:${kind}:*`)));
  expect([...names.flat(), ...(await keysLike(redis, keys.expiries)), ...(await keysLike(redis, keys.quarantine))]).toEqual([]);
});

describe('a route that gives an answer again', () => {
  let keeping: TestPipeline;
  beforeEach(async () => {
    keeping = await anotherPipeline(exampleConfig((file) => void (file.routes['default']!.cached_answers_s = 60)));
  });

  async function answeredBy(text: string): Promise<string> {
    const { id } = await accept(keeping, question, null);
    for (const event of [simple, sent(1)]) await advance(keeping, id, event);
    await advance(keeping, id, answered(1), { 'answer:1': JSON.stringify({ text }) });
    await advance(keeping, id, judged(1, 1));
    return id;
  }

  const kept = async (): Promise<unknown[]> => {
    const texts = await Promise.all((await keysLike(keeping.redis, '{upshift-answers:*')).map((key) => keeping.redis.get(key)));
    return texts.map((text) => JSON.parse((JSON.parse(text!) as { answer: string }).answer));
  };

  test('gives none any more that a late verdict fails', async () => {
    const id = await answeredBy('one');
    expect(await kept()).toEqual([{ text: 'one' }]);
    await advance(keeping, id, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) });
    expect(await kept()).toEqual([]);
  });
  test.each([
    ['passes', 1, true],
    ['fails', 0, false],
  ])('gives the latest, though a late verdict %s one before', async (_, score, passed) => {
    const first = await answeredBy('one');
    await answeredBy('other');
    await advance(keeping, first, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(score, passed) });
    expect(await kept()).toEqual([{ text: 'other' }]);
  });
});

test.each([
  ['is listed', 'zrangebyscore'],
  ['is read', 'hmget'],
])('a job that is opened again when it %s to be forgotten stays', async (_, command) => {
  const { id } = await accept(pipeline, question, null);
  for (const event of [simple, sent(1), answered(1), judged(1, 1)]) await advance(pipeline, id, event);
  await pipeline.redis.zadd(pipeline.keys.expiries, 1, id);
  const late: JobEvent = { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) };
  expect(await forgetJobs({ ...pipeline, redis: afterRead(pipeline, () => advance(pipeline, id, late), command) })).toBe(0);
  expect(await stateOf(pipeline, id)).toMatchObject({ status: 'in_progress', revision: 2 });
});

test('a record that is gone is made anew neither by the first step of its job nor by the mark that this runs alone', async () => {
  const { redis, keys } = pipeline;
  const { id } = await accept(pipeline, question, null);
  const losing = { ...pipeline, redis: afterRead(pipeline, () => redis.del(keys.job(id))) };
  expect(await advance(losing, id, { type: 'cancelled' })).toBeNull();
  await markAlone(pipeline, id, 1);
  expect(await redis.exists(keys.job(id))).toBe(0);
});

/** A connection on which something happens between the reading of a job and what comes of it. */
function afterRead({ redis }: Pipeline, happens: () => Promise<unknown>, command = 'hmget'): Pipeline['redis'] {
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== command || typeof value !== 'function') return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: unknown[]) => {
        const reply: unknown = await value.apply(target, args);
        await happens();
        return reply;
      };
    },
  });
}
