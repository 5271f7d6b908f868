import type { Attempt, JobEvent } from '@upshift/contracts';
import { reserveRetry } from '@upshift/queues';
import type { StepContext } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createRetries } from '../../services/worker/src/retries.ts';
import { freshPipeline } from '../queues/bed.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { acceptedJob, after, classified, exampleConfig, factsOf, failed, LOW, sent } from '../routing/example.ts';

/** So many calls earn four retries, of a second each. */
const CALLS = 40;

const config = exampleConfig();
const { job } = after(acceptedJob(config), factsOf(config), classified(0.1));
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
  // The process's own clock only: that of the share of retries is Redis'.
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => void vi.useRealTimers());

/** For how long the next retry has to wait, in ms, once such calls have been made where retries were used up for five seconds. */
async function waitAfterCalls(changes: Partial<Attempt>): Promise<number> {
  while ('waitMs' in (await reserveRetry(pipeline, 'openai', 5000)));
  const retries = createRetries(pipeline);
  for (let call = 1; call < CALLS; call += 1) retries.count(job, { ...job.attempts[0]!, ...changes });
  // What was counted is told with the first call after a second.
  vi.advanceTimersByTime(1000);
  retries.count(job, { ...job.attempts[0]!, ...changes });
  const place = await reserveRetry(pipeline, 'openai', Infinity);
  return 'waitMs' in place ? place.waitMs : Infinity;
}

test('first calls earn retries', async () => {
  expect(await waitAfterCalls({})).toBeLessThan(2100);
});

test.each([
  ['for its place among the retries', { retryAt: 1 }],
  ['for a limit', { waits: 1 }],
])('a call that comes back after it has waited %s earns none', async (_, changes) => {
  expect(await waitAfterCalls(changes)).toBeGreaterThan(3000);
});

test('what first calls have earned is told once', async () => {
  const retries = createRetries(pipeline);
  while ('waitMs' in (await reserveRetry(pipeline, 'openai', 20_000)));
  for (let call = 0; call < CALLS; call += 1) retries.count(job, job.attempts[0]!);
  for (let second = 0; second < 10; second += 1) {
    vi.advanceTimersByTime(1000);
    retries.count(job, { ...job.attempts[0]!, waits: 1 });
  }
  const place = await reserveRetry(pipeline, 'openai', Infinity);
  expect('waitMs' in place && place.waitMs).toBeGreaterThan(10_000);
});

/** Whether a call may be made where the retries of its provider are used up, and what its job is told. */
async function admitted(changes: Partial<Attempt>): Promise<[boolean, ...string[]]> {
  while ('waitMs' in (await reserveRetry(pipeline, 'openai', 5000)));
  const { job: retried } = after(job, factsOf(config), sent(1), failed(1, 'provider_error', { retryable: true }));
  const told: string[] = [];
  const advance = (event: JobEvent) => Promise.resolve(void told.push(event.type));
  const context = { job: retried, advance } as unknown as StepContext<'call'>;
  return [await createRetries(pipeline).admit(context, { ...retried.attempts[1]!, model: LOW, ...changes }), ...told];
}

test('a retry for which there is no room comes later, with a place that is kept for it, and a hedge not at all', async () => {
  expect(await admitted({})).toEqual([false, 'retry-deferred']);
  expect(await admitted({ retryAt: 1 })).toEqual([true]);
  expect(await admitted({ purpose: 'hedge' })).toEqual([false, 'place-denied']);
});
