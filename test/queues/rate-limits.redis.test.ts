import type { RateLimit } from '@upshift/contracts';
import { earnRetries, holdBack, learnedLimits, learnLimits, reservePlace, reserveRetry, settlePlace } from '@upshift/queues';
import type { Place } from '@upshift/queues';
import { limitsLearned, placesOf } from '@upshift/routing';
import { beforeEach, expect, test, vi } from 'vitest';

import { exampleConfig } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { keysLike } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});

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
  const other = await anotherPipeline();

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
  expect(await reservePlace(await anotherPipeline(), [wide], 60_000)).toMatchObject({
    waitMs: expect.toSatisfy((ms: number) => ms > 18_000 && ms <= 20_001),
  });
});

const MODEL = 'openai/low';
const config = exampleConfig();

/** What a process does before a call: takes a place under what it has heard. */
async function placeFor(of: TestPipeline, inputTokens = 0): Promise<{ waitMs: number } | { tooLongMs: number }> {
  const { places, mostMs } = placesOf(config, MODEL, { inputTokens, maxOutputTokens: 0 }, await learnedLimits(of, MODEL));
  return reservePlace(of, places, mostMs);
}

test('a shorter wait that a vendor asks for does not end a longer one', async () => {
  for (const forMs of [60_000, 1000]) await holdBack(pipeline, [slow], forMs);
  expect(await reservePlace(pipeline, [slow], 0)).toMatchObject({ tooLongMs: expect.toSatisfy((ms: number) => ms > 50_000) });
});

test('a bucket is kept while it is not full, and for two minutes more', async () => {
  const { redis } = pipeline;
  const [limited, idle, held] = ['low', 'idle', 'held'].map((model) =>
    place({ requests_per_minute: 6, tokens_per_minute: 600 }, 10, model),
  );
  const leftOf = async (model: string) => {
    const left = await Promise.all((await keysLike(redis, `*limits:openai}:${model}:*`)).map((key) => redis.pttl(key)));
    return left.map((ms) => Math.round(ms / 10_000) * 10);
  };
  for (let calls = 0; calls < 20; calls += 1) await reservePlace(pipeline, [limited!], 600_000);
  for (const one of [limited!, idle!]) await settlePlace(pipeline, [one], 5);
  await holdBack(pipeline, [held!], 3_600_000);
  expect(await leftOf('low')).toEqual([320, 140]);
  expect(await leftOf('idle')).toEqual([]);
  expect(await leftOf('held')).toEqual([3730, 3730]);
});

test('what a vendor says of a scarce limit holds for all processes: so many calls go, and the next one waits', async () => {
  const heard = [{ unit: 'requests' as const, limit: 60, remaining: 2, resetMs: 58_000 }];
  await learnLimits(pipeline, MODEL, limitsLearned(heard, null, Date.now()));
  const [one, other] = [await anotherPipeline(), await anotherPipeline()];

  expect(await placeFor(one)).toEqual({ waitMs: 0 });
  expect(await placeFor(other)).toEqual({ waitMs: 0 });
  expect(await placeFor(one)).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 1000) });
  expect(await placeFor(other)).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 1000 && ms <= 2000) });
});

test('tokens that a vendor says are scarce are counted, and a call that needs more than will come in time is told so', async () => {
  const heard = [{ unit: 'tokens' as const, limit: 60_000, remaining: 1000, resetMs: 59_000 }];
  await learnLimits(pipeline, MODEL, limitsLearned(heard, null, Date.now()));

  expect(await placeFor(await anotherPipeline(), 900)).toEqual({ waitMs: 0 });
  expect(await placeFor(await anotherPipeline(), 2000)).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 1500) });
  expect(await placeFor(await anotherPipeline(), 50_000)).toHaveProperty('tooLongMs');
});

test('retry-after holds for all processes, where no limit is declared, for as long as the vendor said', async () => {
  const other = await anotherPipeline();
  await learnLimits(pipeline, MODEL, limitsLearned([], 1000, Date.now()));
  expect(await placeFor(other)).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 100 && ms <= 1001) });
  await expect.poll(() => learnedLimits(other, MODEL), { timeout: 10_000 }).toEqual([]);
  expect(await placeFor(other)).toEqual({ waitMs: 0 });
});

test('what a vendor says of a limit is heard at once by who learned it, and in a moment by others, be their clock set back', async () => {
  const other = await anotherPipeline();
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  for (const one of [pipeline, other]) expect(await learnedLimits(one, MODEL)).toEqual([]);
  clock.mockRestore();
  await learnLimits(pipeline, MODEL, limitsLearned([], 60_000, Date.now()));
  expect(await learnedLimits(pipeline, MODEL)).toHaveLength(1);
  await vi.waitFor(async () => expect(await learnedLimits(other, MODEL)).toHaveLength(1), 10_000);
});

test('where there is plenty nothing is kept, and nobody waits', () => {
  expect(limitsLearned([{ unit: 'requests', limit: 60, remaining: 30, resetMs: 30_000 }], null, Date.now())).toEqual([]);
});

test("a provider's retries are a tenth of its calls, and ten at once, over all processes", async () => {
  const other = await anotherPipeline();
  const waits = async (times: number): Promise<number[]> => {
    const taken: number[] = [];
    for (let index = 0; index < times; index += 1) {
      const place = await reserveRetry(index % 2 ? pipeline : other, 'openai', 300_000);
      taken.push('waitMs' in place ? place.waitMs : Infinity);
    }
    return taken;
  };

  expect(await waits(10)).toEqual(Array.from({ length: 10 }, () => 0));
  expect(await waits(1)).toEqual([expect.toSatisfy((ms: number) => ms > 500 && ms <= 1000)]);
  // The eleventh and one more are earned by twenty calls.
  await earnRetries(other, 'openai', 20);
  expect(await waits(2)).toEqual([0, expect.toSatisfy((ms: number) => ms > 500 && ms <= 1000)]);
  expect(await reserveRetry(pipeline, 'openai', 100)).toHaveProperty('tooLongMs');
  expect(await reserveRetry(pipeline, 'anthropic', 0)).toEqual({ waitMs: 0 });
});
