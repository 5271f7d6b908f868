import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { generationsOf } from '../system/bill.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';
import { answered, ended, inLanes, report, submit, whole } from './storm.ts';

const JOBS = whole ? 1500 : 300;
const RESTARTS = 3;
/** A post that takes longer hangs: it has seconds, not minutes, to say that Redis is away. */
const HANGS_AFTER_MS = 10_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ environment: { LOG_LEVEL: 'warn' } });
  fleet.sandbox.settings.change({ latency_ms: 100 });
});

afterAll(() => fleet?.close());

/** Kills Redis with work under way, sees that the API says so, and brings it back. Gives how long the API took to say it, in ms. */
async function killRedis(): Promise<number> {
  process.kill(fleet.redis.pid, 'SIGKILL');
  const startedAt = Date.now();
  const { status } = await answered(fleet.api.post({ input: { prompt: 'While Redis is away.' } }));
  const answerMs = Date.now() - startedAt;
  expect(status).toBe(503);
  await fleet.redis.stop();
  await fleet.redis.start();
  return answerMs;
}

test(
  'Redis is killed and started again: no acknowledged job is lost, and the API answers 503 meanwhile',
  { timeout: 300_000 },
  async () => {
    let finished = 0;
    const accepted = inLanes(JOBS, 16, async (index) => {
      const reply = await submit(fleet, { input: { prompt: `Outage ${index}.` }, task: 'classification' }, `outage ${index}`);
      finished += 1;
      return reply;
    });
    const answers: number[] = [];
    for (let restart = 1; restart <= RESTARTS; restart += 1) {
      await vi.waitFor(() => expect(finished).toBeGreaterThan((restart * JOBS) / (RESTARTS + 1)), {
        timeout: 60_000,
        interval: 10,
      });
      answers.push(await killRedis());
    }
    const replies = await accepted;
    const jobs = await ended(
      fleet,
      replies.map(({ id }) => id),
    );

    const figures = {
      jobs: JOBS,
      restarts: RESTARTS,
      lost: JOBS - new Set(jobs.map(({ job }) => job.id)).size,
      not_completed: jobs.filter(({ job }) => job.status !== 'completed').length,
      refusals: replies.reduce((sum, { refusals }) => sum + refusals, 0),
      slowest_503_ms: Math.max(...answers),
    };
    report('redis killed', figures);
    expect(figures).toMatchObject({ lost: 0, not_completed: 0 });
    expect(figures.slowest_503_ms).toBeLessThan(HANGS_AFTER_MS);
  },
);

/** More than what is refused until locks would have run out (10 s) and entries stalled: each step is tried about once a second. */
const REFUSALS = 400;

test(
  'a full Redis: new jobs get 503, and those that run finish once there is space, with one call each',
  { timeout: 180_000 },
  async () => {
    const redis = new Redis(fleet.redis.url.replace('unix://', ''));
    const post = (index: number) =>
      answered(
        fleet.api.post(
          { input: { prompt: `Full ${index}. ${'x'.repeat(20_000)}` }, task: 'classification' },
          { key: `full ${index}` },
        ),
      );
    const refusals = async () => Number(/errorstat_OOM:count=(\d+)/.exec(await redis.info('errorstats'))?.[1] ?? 0);
    fleet.sandbox.settings.change({ hold: true });
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory', used + 2_000_000);

    const replies = await inLanes(200, 8, post);
    const accepted = replies.filter(({ status }) => status === 202).map(({ body }) => body.id);
    const refused = replies.filter(({ status }) => status === 503);
    const called = () => accepted.flatMap((id) => generationsOf(fleet, id)).length;
    expect(called()).toBeGreaterThan(0);
    // The models answer when nothing can be written any more.
    await redis.config('SET', 'maxmemory', 1);
    const before = await refusals();
    fleet.sandbox.settings.change({ hold: false });
    await vi.waitFor(async () => expect(await refusals()).toBeGreaterThan(before + REFUSALS), { timeout: 90_000, interval: 100 });
    await redis.config('SET', 'maxmemory', 0);
    const jobs = await ended(fleet, accepted);
    redis.disconnect();

    const figures = {
      accepted: accepted.length,
      refused: refused.length,
      other: replies.length - accepted.length - refused.length,
      not_completed: jobs.filter(({ job }) => job.status !== 'completed').length,
      calls_too_many: called() - accepted.length,
    };
    report('redis full', figures);
    expect(figures).toMatchObject({ other: 0, not_completed: 0, calls_too_many: 0 });
    expect(accepted.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
  },
);

test('services that start while Redis is full do so, and the steward makes room by forgetting jobs', async () => {
  const redis = new Redis(fleet.redis.url.replace('unix://', ''));
  const { id } = await fleet.api.run({ input: { prompt: 'To be forgotten.' }, task: 'classification' });
  const restarted = ['steward', 'intake', 'classifier', 'scorer', 'notifier', 'worker-economy'] as const;
  await fleet.stop(...restarted);
  await redis.zadd('{upshift-0}:expiries', 0, id);
  await redis.config('SET', 'maxmemory', 1);
  try {
    await fleet.start(...restarted);
    await vi.waitFor(async () => expect((await fleet.api.send(`/v1/jobs/${id}`)).status).toBe(404), { timeout: 10_000 });
  } finally {
    await redis.config('SET', 'maxmemory', 0);
    redis.disconnect();
  }
  expect((await fleet.api.run({ input: { prompt: 'There is room again.' }, task: 'classification' })).status).toBe('completed');
});
