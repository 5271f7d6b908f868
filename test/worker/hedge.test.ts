import type { JobEvent } from '@upshift/contracts';
import type { StepContext } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { withHedge } from '../../services/worker/src/hedge.ts';
import { acceptedJob, after, answered, classified, exampleConfig, factsOf, failed, sent } from '../routing/example.ts';

/** What is usual for the model of the first call. */
const USUAL_MS = 100;

const config = exampleConfig((file) => void (file.routes['default']!['hedge'] = true));
const facts = factsOf(config);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Makes the first call of a job after a wait; what the job's attempts have come to when all calls have ended. */
async function hedged(waitMs: number, answersAfterMs: number, refusal: Error | null = null) {
  let { job } = after(acceptedJob(config), facts, classified(0.1));
  const advance = (event: JobEvent) => {
    if (refusal !== null && event.type === 'hedge-due') return Promise.reject(refusal);
    const { job: next, trail } = after(job, facts, event);
    job = next;
    return Promise.resolve({ job, changed: trail.length > 0 });
  };
  const settled = async (event: JobEvent): Promise<JobEvent> => {
    await advance(event);
    return event;
  };
  const calls = withHedge(
    { advance } as unknown as StepContext<'call'>,
    job.attempts[0]!,
    USUAL_MS,
    new AbortController().signal,
    async (first, stop, onSent) => {
      await elapsed(waitMs);
      await advance(sent(first.number));
      onSent?.();
      await Promise.race([elapsed(answersAfterMs), aborted(stop)]);
      return settled(stop.aborted ? failed(first.number, 'aborted') : answered(first.number));
    },
    async (hedge) => {
      await advance(sent(hedge.number));
      return settled(answered(hedge.number));
    },
  );
  await vi.runAllTimersAsync();
  await calls;
  return job.attempts.map(({ purpose, outcome }) => `${purpose} ${outcome}`);
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const aborted = (stop: AbortSignal): Promise<void> => new Promise((resolve) => stop.addEventListener('abort', () => resolve()));

test('a call that had to wait, and is as quick as usual once it is sent, is not hedged', async () => {
  expect(await hedged(USUAL_MS * 0.9, USUAL_MS * 0.5)).toEqual(['answer answered']);
});

test('a call that had to wait for longer than calls take, and is slow once it is sent, is hedged', async () => {
  expect(await hedged(USUAL_MS * 10, USUAL_MS * 1000)).toEqual(['answer failed', 'hedge answered']);
});

test('a hedge that Redis can not take now is left out, and the first call is settled as ever', async () => {
  const full = new Error("OOM command not allowed when used memory > 'maxmemory'.");
  expect(await hedged(0, USUAL_MS * 2, full)).toEqual(['answer answered']);
});
