import { accept, expireJobs, listQuarantined, reconcile } from '@upshift/queues';
import { beforeEach, expect, test } from 'vitest';

import { quarantine } from '../../packages/queues/src/quarantine.ts';
import { question } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { entriesOf, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});

/** An id of long ago, of which no record is left. */
const GONE = `job_0${'0'.repeat(30)}`;

test('a deadline and a place in an index whose job is gone go too', async () => {
  const { redis, keys } = pipeline;
  const { id } = await accept(pipeline, question, null);
  await redis.zadd(keys.deadlines, 1, GONE);
  await redis.zadd(keys.index('queued:default'), 0, GONE);
  expect(await expireJobs(pipeline)).toBe(0);
  expect(await redis.exists(keys.deadlines)).toBe(0);
  expect(await reconcile(pipeline, 1000)).toBe(1);
  expect(await redis.zrange(keys.index('queued:default'), '0', '-1')).toEqual([id]);
});

test('a job whose entry was finished without it is carried on by a new one', async () => {
  const { redis } = pipeline;
  const { id } = await accept(pipeline, question, null);
  await redis.zrem('{upshift-0}:classify:prioritized', `${id}.1.classify.1`);
  await redis.zadd('{upshift-0}:classify:completed', Date.now(), `${id}.1.classify.1`);
  expect(await reconcile(pipeline, -1000)).toBe(1);
  expect(await entriesOf(pipeline, 'classify')).toEqual([`${id}.1.classify.2`]);
  expect((await stateOf(pipeline, id)).epoch).toBe(2);
});

test('a job that crashes workers again is on the list since the first time', async () => {
  const { id } = await accept(pipeline, question, null);
  await pipeline.redis.zadd(pipeline.keys.quarantine, 1, id);
  await quarantine(pipeline, id);
  expect(await listQuarantined(pipeline)).toMatchObject([{ id, at: 1 }]);
});
