import type { Attempt, JobEvent } from '@upshift/contracts';
import type { StepContext } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Durations, withHedge } from '../../services/worker/src/hedge.ts';
import { acceptedJob, after, answered, classified, exampleConfig, factsOf, failed, sent } from '../routing/example.ts';

/** What is usual for the model of the first call. */
const USUAL_MS = 100;

const config = exampleConfig((file) => void (file.routes['default']!['hedge'] = true));
const facts = factsOf(config);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

interface Course {
  /** What the first call ends with, unless it is stopped. */
  first?: (attempt: number) => JobEvent;
  /** The same of the hedge, and after how long. */
  hedge?: (attempt: number) => JobEvent;
  hedgeTakesMs?: number;
  /** Told when Redis is asked for a hedge. */
  onAsked?: () => void;
  /** What Redis says to the hedge. */
  refusal?: Error;
}

/** Makes the first call of a job after a wait; what the job's attempts have come to when all calls have ended. */
async function hedged(waitMs: number, answersAfterMs: number, course: Course = {}) {
  const { first: endOfFirst = answered, hedge: endOfHedge = answered, hedgeTakesMs = 0, onAsked, refusal } = course;
  let { job } = after(acceptedJob(config), facts, classified(0.1));
  const advance = (event: JobEvent) => {
    if (event.type === 'hedge-due') onAsked?.();
    if (refusal !== undefined && event.type === 'hedge-due') return Promise.reject(refusal);
    const { job: next, trail } = after(job, facts, event);
    job = next;
    return Promise.resolve({ job, changed: trail.length > 0 });
  };
  const called = async ({ number }: Attempt, stop: AbortSignal, takesMs: number, end: (attempt: number) => JobEvent) => {
    await advance(sent(number));
    await Promise.race([elapsed(takesMs), aborted(stop)]);
    const event = stop.aborted ? failed(number, 'aborted') : end(number);
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
      onSent?.();
      return called(first, stop, answersAfterMs, endOfFirst);
    },
    (hedge, stop) => called(hedge, stop, hedgeTakesMs, endOfHedge),
  );
  calls.catch(() => undefined);
  await vi.runAllTimersAsync();
  await calls;
  return job.attempts.map(({ purpose, outcome }) => `${purpose} ${outcome}`);
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const aborted = (stop: AbortSignal): Promise<void> => new Promise((resolve) => stop.addEventListener('abort', () => resolve()));

test('a call that had to wait, and is as quick as usual once it is sent, is not hedged', async () => {
  const onAsked = vi.fn<() => void>();
  expect(await hedged(USUAL_MS * 0.9, USUAL_MS * 0.5, { onAsked })).toEqual(['answer answered']);
  expect(onAsked).not.toHaveBeenCalled();
});

test('a call that had to wait for longer than calls take, and is slow once it is sent, is hedged', async () => {
  expect(await hedged(USUAL_MS * 10, USUAL_MS * 1000)).toEqual(['answer failed', 'hedge answered']);
});

test('the first answer ends the other call, and a failure of one leaves the other alone', async () => {
  const late = USUAL_MS * 3;
  const fails = (attempt: number) => failed(attempt, 'invalid_request');
  expect(await hedged(0, late, { hedgeTakesMs: USUAL_MS * 1000 })).toEqual(['answer answered', 'hedge failed']);
  expect(await hedged(0, late, { hedge: fails })).toEqual(['answer answered', 'hedge failed']);
  expect(await hedged(0, late, { first: fails, hedgeTakesMs: USUAL_MS * 10 })).toEqual(['answer failed', 'hedge answered']);
});

test('a hedge that Redis can not take now is left out, and the first call is settled as ever', async () => {
  const full = new Error("OOM command not allowed when used memory > 'maxmemory'.");
  expect(await hedged(0, USUAL_MS * 2, { refusal: full })).toEqual(['answer answered']);
});

test('what else goes wrong with a hedge is told, once the first call is settled', async () => {
  await expect(hedged(0, USUAL_MS * 2, { refusal: new Error('no such attempt') })).rejects.toThrow('no such attempt');
});

test('how long a call of a model takes is learned from its last hundred calls, and from no other model', () => {
  const durations = new Durations();
  for (let call = 0; call < 100; call += 1) durations.add('openai/low', 9000);
  expect(durations.slowAfterMs('openai/other')).toBeNull();
  for (let call = 0; call < 100; call += 1) durations.add('openai/low', 1000);
  expect(durations.slowAfterMs('openai/low')).toBe(1000);
});
