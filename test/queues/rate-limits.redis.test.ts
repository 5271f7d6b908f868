import type { RateLimit } from '@upshift/contracts';
import { holdBack, reservePlace, settlePlace } from '@upshift/queues';
import type { Place } from '@upshift/queues';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { closeAll, flushAll, openTestPipeline } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const open: TestPipeline[] = [];
let pipeline: TestPipeline;

async function another(): Promise<TestPipeline> {
  const opened = await openTestPipeline(inject('redisUrl'));
  open.push(opened);
  return opened;
}

beforeEach(async () => {
  pipeline = await another();
  await flushAll(pipeline);
});
afterEach(() => closeAll(open));

function place(limit: Partial<RateLimit>, tokens = 0, model: string | null = 'openai/gpt-6-luna'): Place {
  return { provider: 'openai', model, limit: { max_wait_s: 30, ...limit }, tokens };
}

/** One request in ten seconds. */
const slow = place({ requests_per_minute: 6 });

test('without a limit nothing waits', async () => {
  expect(await reservePlace(pipeline, [], 0)).toEqual({ waitMs: 0 });
  expect(await reservePlace(pipeline, [place({})], 0)).toEqual({ waitMs: 0 });
});

test('a limit holds for all processes, and each who waits has a place of its own', async () => {
  const other = await another();

  expect(await reservePlace(pipeline, [slow], 60_000)).toEqual({ waitMs: 0 });
  const second = await reservePlace(other, [slow], 60_000);
  const third = await reservePlace(pipeline, [slow], 60_000);

  expect(second).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 8000 && ms <= 10_000) });
  expect(third).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 18_000 && ms <= 20_000) });
});

test('a place that is too far off is not taken', async () => {
  await reservePlace(pipeline, [slow], 0);
  for (let tries = 0; tries < 3; tries += 1)
    expect(await reservePlace(pipeline, [slow], 5000)).toMatchObject({
      tooLongMs: expect.toSatisfy((ms: number) => ms > 8000 && ms <= 10_000),
    });
});

test('where one of two limits has no room the other is not used up', async () => {
  const account = place({ requests_per_minute: 6 }, 0, null);
  await reservePlace(pipeline, [slow], 0);
  expect(await reservePlace(pipeline, [slow, account], 0)).toHaveProperty('tooLongMs');
  expect(await reservePlace(pipeline, [account], 0)).toEqual({ waitMs: 0 });
});

test('tokens that a call did not use are there for the next one', async () => {
  const big = place({ tokens_per_minute: 60_000 }, 6000);
  expect(await reservePlace(pipeline, [big], 0)).toEqual({ waitMs: 0 });
  expect(await reservePlace(pipeline, [big], 0)).toHaveProperty('tooLongMs');

  await settlePlace(pipeline, [big], 0);

  expect(await reservePlace(pipeline, [big], 0)).toEqual({ waitMs: 0 });
});

test('one call with more tokens than a burst holds is made all the same', async () => {
  expect(await reservePlace(pipeline, [place({ tokens_per_minute: 100 }, 1_000_000)], 0)).toEqual({ waitMs: 0 });
});

test('after the vendor has said that its limit is reached nobody calls for as long as it said', async () => {
  const wide = place({ requests_per_minute: 600_000 });
  await holdBack(pipeline, [wide], 20_000);
  expect(await reservePlace(await another(), [wide], 60_000)).toMatchObject({
    waitMs: expect.toSatisfy((ms: number) => ms > 18_000 && ms <= 20_001),
  });
});
