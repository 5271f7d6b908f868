import { ProblemError } from '@upshift/contracts';
import {
  accept,
  acceptAll,
  advance,
  CLASSIFY_QUEUE,
  closeCells,
  configOf,
  encodeModelId,
  expireJobs,
  leaseOf,
  listenToSignals,
  modelQueue,
  openCells,
  queueOf,
  readTrail,
  reconcile,
  unfinishedJobs,
} from '@upshift/queues';
import { stateText } from '../../packages/queues/src/state-text.ts';
import { Cluster } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { answered, exampleConfig, failed, judged, LOW, question, requestOf, sent, verdictAt } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { dumpOf, entriesOf, keysLike, serversOf, simple, stateOf, until } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});

test('a step that a broken connection sends again is done once, and taken for nobody else’s', async (context) => {
  const { redis } = pipeline;
  if (redis instanceof Cluster) return context.skip('a cluster has a connection for each of its nodes');
  // The script is known from now on: what is sent below is carried out.
  await advance(pipeline, await acceptOne(), simple);
  const id = await acceptOne();
  const { stream } = redis;
  const write: (data: string | Buffer) => boolean = stream.write.bind(stream);
  stream.write = (data: string | Buffer) => {
    const written = write(data);
    if (data.includes('job-classified')) stream.destroy();
    return written;
  };
  expect(await advance(pipeline, id, simple)).toMatchObject({ changed: true });
  expect(redis.stream).not.toBe(stream);
  expect((await readTrail(pipeline, id)).map(({ event }) => event)).toEqual([
    'job-accepted',
    'job-classified',
    'attempt-claimed',
  ]);
  expect(await stateOf(pipeline, id)).toMatchObject({ step: { kind: 'call', attempt: 1 }, epoch: 2 });
  // Another writer's step of the same version is a conflict as ever: it is decided anew on what stands there.
  expect(await advance(await anotherPipeline(), id, simple)).toMatchObject({ changed: false });
});

test('a connection leaves a server that has become a read-only replica, whatever was to be written', async (context) => {
  const { redis } = pipeline;
  if (redis instanceof Cluster) return context.skip('in a cluster a replica names its master');
  const id = await acceptOne();
  const writes = [() => redis.set('{upshift-0}:any', '1'), () => advance(pipeline, id, simple), () => acceptOne()];
  try {
    await redis.call('REPLICAOF', '127.0.0.1', '1');
    for (const write of writes) {
      const before = await redis.client('ID');
      await expect(write()).rejects.toThrow('READONLY');
      await until(pipeline, async () => (await redis.client('ID')) !== before);
    }
  } finally {
    await redis.call('REPLICAOF', 'NO', 'ONE');
  }
  expect(await advance(pipeline, id, simple)).toMatchObject({ changed: true });
});

const lowQueue = modelQueue('economy', LOW);
const jobKey = (id: string): string => `{upshift-0}:job:${id}`;

async function acceptOne(body = question): Promise<string> {
  return (await accept(pipeline, body, null)).id;
}

async function jobThatIsBeingCalled(body = question): Promise<string> {
  const id = await acceptOne(body);
  await advance(pipeline, id, simple);
  await advance(pipeline, id, sent(1));
  return id;
}

async function jobThatIsCompleted(): Promise<string> {
  const id = await jobThatIsBeingCalled();
  await advance(pipeline, id, answered(1), { 'answer:1': '{}' });
  await advance(pipeline, id, judged(1, 1));
  return id;
}

test('an accepted job has its record, its trail, its claim and one entry', async () => {
  const { id, created } = await accept(pipeline, question, { key: 'k' });
  expect(created).toBe(true);
  expect(await stateOf(pipeline, id)).toMatchObject({ id, status: 'queued', step: { kind: 'classify' }, epoch: 1 });
  expect((await readTrail(pipeline, id)).map(({ event }) => event)).toEqual(['job-accepted']);
  expect(await entriesOf(pipeline, CLASSIFY_QUEUE)).toEqual([`${id}.1.classify.1`]);
  expect(await keysLike(pipeline.redis, '*idempotency*')).toHaveLength(1);
});

test('the same key and body give the same job, and nothing is written', async () => {
  const first = await accept(pipeline, question, { key: 'k' });
  const before = await dumpOf(pipeline);
  expect(await accept(pipeline, question, { key: 'k' })).toEqual({ id: first.id, created: false, state: null });
  expect(await dumpOf(pipeline)).toEqual(before);
});

test('the same key with another body is refused, and nothing is written', async () => {
  await accept(pipeline, question, { key: 'k' });
  const before = await dumpOf(pipeline);
  const other = requestOf({ input: { prompt: 'something else' } });
  await expect(accept(pipeline, other, { key: 'k' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  expect(await dumpOf(pipeline)).toEqual(before);
});

test('above the backlog a job is refused with a time to come back, nothing is written, and known keys are still answered', async () => {
  pipeline = await anotherPipeline(exampleConfig((file) => Object.assign(file, { intake: { max_backlog: 1 } })));
  const first = await accept(pipeline, question, { key: 'k' });
  const before = await dumpOf(pipeline);
  const refusal = await accept(pipeline, question, { key: 'other' }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ProblemError);
  expect(refusal).toMatchObject({ code: 'backlog_full', retryAfterSeconds: 30 });
  expect(await accept(pipeline, question, { key: 'k' })).toEqual({ id: first.id, created: false, state: null });
  expect(await dumpOf(pipeline)).toEqual(before);
});

test('thirty requests at once with one key make one job with one entry', async () => {
  const others = await Promise.all([anotherPipeline(), anotherPipeline()]);
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, index) => accept([pipeline, ...others][index % 3]!, question, { key: 'k' })),
  );
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(all.filter(({ created }) => created)).toHaveLength(1);
  expect(await entriesOf(pipeline, CLASSIFY_QUEUE)).toHaveLength(1);
});

test('two writers of one job at once both have their effect, in some order', async () => {
  const other = await anotherPipeline();
  const id = await jobThatIsBeingCalled();
  const [settled, cancelled] = await Promise.all([advance(pipeline, id, answered(1)), advance(other, id, { type: 'cancelled' })]);
  expect([settled?.changed, cancelled?.changed]).toEqual([true, true]);
  expect(await stateOf(pipeline, id)).toMatchObject({
    status: 'cancelled',
    attempts: [{ state: 'settled', outcome: 'answered', costNanoUsd: 1_500_000 }],
  });
  expect(Number(await pipeline.redis.hget(jobKey(id), 'version'))).toBe(4);
});

test('an event that comes many times at once changes the job once', async () => {
  const id = await acceptOne();
  const all = await Promise.all(Array.from({ length: 20 }, () => advance(pipeline, id, simple)));
  expect(all.filter((advanced) => advanced?.changed)).toHaveLength(1);
  expect(await entriesOf(pipeline, lowQueue)).toEqual([`${id}.1.call-1.2`]);
  expect((await stateOf(pipeline, id)).attempts).toHaveLength(1);
});

test('an event of a job that is unknown gives null and writes nothing', async () => {
  const before = await dumpOf(pipeline);
  expect(await advance(pipeline, 'job_0gone', { type: 'cancelled' })).toBeNull();
  expect(await dumpOf(pipeline)).toEqual(before);
});

test('retention starts when the job ends, and stops when a late verdict reopens it; its deadline holds while it is open', async () => {
  const deadline = new Date(Date.now() + 600_000).toISOString();
  const id = await jobThatIsBeingCalled({ ...question, limits: { deadline } });
  await advance(pipeline, id, answered(1));
  expect(await pipeline.redis.zcard('{upshift-0}:expiries')).toBe(0);
  await advance(pipeline, id, judged(1, 1));
  const week = 7 * 24 * 3_600_000;
  const forgottenAt = Number(await pipeline.redis.zscore('{upshift-0}:expiries', id));
  expect(forgottenAt - Date.now()).toSatisfy((ms: number) => ms > week - 60_000 && ms <= week);
  expect(await pipeline.redis.zcard('{upshift-0}:deadlines')).toBe(0);
  await advance(pipeline, id, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) });
  const reopened = await stateOf(pipeline, id);
  expect(reopened).toMatchObject({ status: 'in_progress', revision: 2 });
  expect(await pipeline.redis.zcard('{upshift-0}:expiries')).toBe(0);
  expect(await pipeline.redis.zscore('{upshift-0}:deadlines', id)).toBe(String(reopened.deadline));
  expect(await unfinishedJobs(pipeline)).toBe(1);
});

test('an ended job leaves the indexes of unfinished jobs', async () => {
  await jobThatIsCompleted();
  expect(await unfinishedJobs(pipeline)).toBe(0);
  expect(await pipeline.redis.zcard('{upshift-0}:deadlines')).toBe(0);
});

test('a wait for a limit is a delayed entry and no further attempt', async () => {
  const id = await jobThatIsBeingCalled();
  await advance(pipeline, id, failed(1, 'rate_limited', { retryAfterMs: 20_000 }));
  const [entry] = await queueOf(pipeline, lowQueue).getDelayed();
  expect(entry).toMatchObject({ id: `${id}.1.call-1.3` });
  expect(entry?.delay).toBeGreaterThanOrEqual(20_000);
  expect((await stateOf(pipeline, id)).attempts).toMatchObject([{ state: 'claimed', waits: 1 }]);
});

test('an entry that waits is stored in the compact form that Redis has for short values', async () => {
  const id = await acceptOne();
  await advance(pipeline, id, simple);
  const [entry = ''] = await entriesOf(pipeline, lowQueue);
  expect(await pipeline.redis.object('ENCODING', `{upshift-0}:${lowQueue}:${entry}`)).toBe('listpack');
});

test('high goes before normal, normal before low', async () => {
  const ids: Record<string, string> = {};
  for (const priority of ['low', 'normal', 'high'] as const) ids[priority] = await acceptOne({ ...question, priority });
  const order = await queueOf(pipeline, CLASSIFY_QUEUE).getJobs(['waiting', 'prioritized'], 0, -1, true);
  expect(order.map(({ data }) => (data as { job: string }).job)).toEqual([ids['high'], ids['normal'], ids['low']]);
});

test('the reconciler makes a lost entry anew under the next epoch and leaves waiting ones alone', async () => {
  const [waiting, lost] = [await acceptOne(), await acceptOne()];
  await queueOf(pipeline, CLASSIFY_QUEUE).remove(`${lost}.1.classify.1`);
  expect(await reconcile(pipeline, -1)).toBe(1);
  expect((await entriesOf(pipeline, CLASSIFY_QUEUE)).toSorted()).toEqual(
    [`${lost}.1.classify.2`, `${waiting}.1.classify.1`].toSorted(),
  );
  expect(await reconcile(pipeline, -1)).toBe(0);
  expect((await readTrail(pipeline, lost)).at(-1)).toMatchObject({ event: 'job-requeued' });
});

test('the reconciler finds a lost entry of a backlog without asking for the place of each that waits', async () => {
  const asked = Array.from({ length: 600 }, () => ({
    request: { ...question, priority: 'high' as const },
    key: null,
    traceparent: null,
  }));
  await acceptAll(pipeline, asked);
  const lost = await acceptOne();
  await queueOf(pipeline, CLASSIFY_QUEUE).remove(`${lost}.1.classify.1`);
  const lookUps = async (): Promise<number> => {
    const told = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('commandstats')));
    return told.reduce((sum, text) => sum + Number(/cmdstat_lpos:calls=(\d+)/.exec(text)?.[1] ?? 0), 0);
  };
  const before = await lookUps();
  expect(await reconcile(pipeline, -1)).toBe(1);
  expect((await readTrail(pipeline, lost)).at(-1)).toMatchObject({ event: 'job-requeued' });
  expect((await lookUps()) - before).toBeLessThan(10);
});

test('the reconciler leaves a new job alone', async () => {
  const id = await acceptOne();
  await queueOf(pipeline, CLASSIFY_QUEUE).remove(`${id}.1.classify.1`);
  expect(await reconcile(pipeline, 60_000)).toBe(0);
});

test('a job past its deadline expires, others stay', async () => {
  const soon = requestOf({ input: { prompt: 'x' }, limits: { deadline: new Date(Date.now() + 60_000).toISOString() } });
  const [late, early] = [await acceptOne(soon), await acceptOne(soon)];
  const state = await stateOf(pipeline, late);
  await pipeline.redis.hset(jobKey(late), 'state', stateText({ ...state, deadline: Date.now() - 1 }));
  await pipeline.redis.zadd('{upshift-0}:deadlines', Date.now() - 1, late);
  expect(await expireJobs(pipeline)).toBe(1);
  expect((await stateOf(pipeline, late)).status).toBe('expired');
  expect((await stateOf(pipeline, early)).status).toBe('queued');
  expect(await expireJobs(pipeline)).toBe(0);
});

test('however many jobs are due in the same millisecond, and however many of them can not be ended, one round ends all others', async () => {
  const request = requestOf({ input: { prompt: 'x' }, limits: { deadline: new Date(Date.now() + 60_000).toISOString() } });
  const asked = Array.from({ length: 1100 }, () => ({ request, key: null, traceparent: null }));
  await acceptAll(pipeline, asked);
  const ids = await pipeline.redis.zrange('{upshift-0}:deadlines', 0, '-1');
  const state = await stateOf(pipeline, ids[0]!);
  const due = Date.now() - 1;
  await Promise.all(
    ids.map(async (id, index) => {
      const late = index < 550 ? 'not JSON' : stateText({ ...state, id, deadline: due });
      await pipeline.redis.hset(jobKey(id), 'state', late);
      await pipeline.redis.zadd('{upshift-0}:deadlines', due, id);
    }),
  );
  expect(await expireJobs(pipeline)).toBe(550);
  expect(await pipeline.redis.zcard('{upshift-0}:deadlines')).toBe(550);
});

test('a lease has one holder until it is released or runs out', async () => {
  const [one, two] = [leaseOf(pipeline, 'steward'), leaseOf(await anotherPipeline(), 'steward')];
  expect([await one.hold(60_000), await two.hold(60_000), await one.hold(60_000)]).toEqual([true, false, true]);
  await two.release();
  expect(await two.hold(60_000)).toBe(false);
  await one.release();
  expect(await two.hold(20)).toBe(true);
  await until(pipeline, () => one.hold(60_000));
  expect(await two.hold(60_000)).toBe(false);
});

test('who waits for a job hears of its end, in another process too', async () => {
  const other = await anotherPipeline();
  const [ends, aborts] = await Promise.all([listenToSignals(other, 'ended'), listenToSignals(other, 'abort')]);
  const id = await jobThatIsBeingCalled();
  const ended = ends.ended(id, AbortSignal.timeout(10_000));
  const aborted = new Promise((resolve) => aborts.onAbort(resolve));
  await advance(pipeline, id, { type: 'cancelled' });
  await ended;
  expect(await aborted).toBe(id);
  ends.close();
  aborts.close();
});

test('a process with another configuration decides on the one under which the job was accepted', async () => {
  const id = await acceptOne();
  const other = await anotherPipeline(exampleConfig((file) => Object.assign(file.tiers[0]!, { accept_at: 0 })));
  expect(other.configVersion).not.toBe(pipeline.configVersion);
  expect(await configOf(other, pipeline.configVersion)).toEqual(pipeline.config);
  await advance(other, id, simple);
  await advance(other, id, sent(1));
  await advance(other, id, answered(1));
  expect((await advance(other, id, judged(1, 0.5)))?.job).toMatchObject({ status: 'in_progress', escalations: 1 });
});

test('a configuration that an older or a newer version has stored is read with the defaults of what it lacks, and without what it has more', async () => {
  const { learning: _later, ...older } = pipeline.config;
  const { default: route, ...routes } = older.routes;
  const stored = {
    ...older,
    newer: { a: 1 },
    routes: { ...routes, default: { ...route, newer: 0.5, checks: [{ type: 'json', newer: [] }] } },
  };
  await pipeline.redis.set('{upshift-0}:config:newer', JSON.stringify(stored));
  const known = { ...route, checks: [{ type: 'json' }] };
  expect(await configOf(pipeline, 'newer')).toEqual({ ...pipeline.config, routes: { ...routes, default: known } });
});

test('a configuration that nobody stored is named', async () => {
  await expect(configOf(pipeline, 'abc')).rejects.toThrow('configuration abc is not stored');
});

test('a Redis that may lose or evict what was accepted is refused', async () => {
  const configure = (name: string, value: string) =>
    Promise.all(serversOf(pipeline.redis).map((server) => server.config('SET', name, value)));
  const refusal = () => openCells({ ...pipeline.options, disposable: false }).then(closeCells, (error: Error) => error.message);
  await configure('maxmemory-policy', 'allkeys-lru');
  expect(await refusal()).toContain('maxmemory-policy allkeys-lru');
  await configure('maxmemory-policy', 'noeviction');
  await configure('appendonly', 'no');
  expect(await refusal()).toContain('appendonly no');
  await configure('appendonly', 'yes');
});

test('what Redis keeps is read without the rights of an administrator', async () => {
  const servers = serversOf(pipeline.redis);
  await Promise.all(servers.map((server) => server.acl('SETUSER', 'default', '-config')));
  try {
    await closeCells(await openCells({ ...pipeline.options, disposable: false }));
  } finally {
    await Promise.all(servers.map((server) => server.acl('SETUSER', 'default', '+config')));
  }
});

test('the name of a queue holds nothing that BullMQ refuses', () => {
  expect(encodeModelId('ollama/llama3.1:8b')).not.toMatch(/[:%]/);
});
