import { readHealth, reservePlace } from '@upshift/queues';
import { beforeEach, expect, test } from 'vitest';

import { giveBackPlace, takePlace } from '../../services/worker/src/pace.ts';
import { freshPipeline } from '../queues/bed.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { exampleConfig, failed, LOW } from '../routing/example.ts';

const limitedTo = (requests: number) =>
  exampleConfig((file) => void (file.models[LOW]!['rate_limit'] = { requests_per_minute: requests, max_wait_s: 60 }));
/** One request in ten seconds. */
const config = limitedTo(6);
const size = { inputTokens: 1, maxOutputTokens: 1 };

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});

const take = (until = new AbortController().signal, limits = config) => takePlace(pipeline, limits, LOW, size, () => until);

test('a call that nobody wants any more does not wait for its place', async () => {
  // The next place comes in a minute, after the end of this test.
  const limits = limitedTo(1);
  expect(await take(undefined, limits)).toHaveProperty('places');
  expect(await take(AbortSignal.abort(), limits)).toHaveProperty('places');
}, 30_000);

test.each([
  ['that jobs wait for holds all calls back', 20_000, []],
  ['that lasts longer than any job waits closes the model besides', 40_000, [LOW]],
])('a limit %s', async (_, retryAfterMs, closed) => {
  const taken = await take();
  if (!('places' in taken)) throw new Error('no place');
  await giveBackPlace(pipeline, LOW, taken.places, failed(1, 'rate_limited', { retryAfterMs }), []);
  const place = await reservePlace(pipeline, taken.places, Infinity);
  expect(place).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > retryAfterMs - 5000) });
  expect(Object.keys((await readHealth(pipeline)).circuitsOpen)).toEqual(closed);
});
