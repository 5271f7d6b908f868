import type { CallErrorCode, JobEvent } from '@upshift/contracts';
import { decide, isRetry } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  exampleModel,
  factsOf,
  failed,
  HIGH,
  judged,
  LOW,
  LOW_TWIN,
  MIDDLE,
  NOON,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const fresh = acceptedJob(config);
const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: MIDDLE }));

/** Of a job that has only just been classified. */
function notMade(attempt: number, code: CallErrorCode, retryAfterMs: number | null): JobEvent {
  return { type: 'place-denied', attempt, epoch: 2, error: failed(attempt, code, { retryAfterMs }).error };
}

describe('a job with one model only', () => {
  const called = after(pinned, facts, classified(0.1), sent(1)).job;
  test('waits out an open circuit without using up a call', () => {
    const { job, commands } = decide(called, failed(1, 'circuit_open', { retryAfterMs: 8000 }), facts);
    expect(job.attempts).toHaveLength(1);
    expect(commands).toEqual([{ type: 'enqueue', step: { kind: 'call', attempt: 1 }, delayMs: 8000 }]);
  });
  test('waits out the denial of the account, with the call made or not, but not past its deadline', () => {
    const claimed = after(pinned, facts, classified(0.1)).job;
    const again = [{ type: 'enqueue', step: { kind: 'call', attempt: 1 }, delayMs: 40_000 }];
    const isDenied = notMade(1, 'provider_denied', 40_000);
    expect(decide(claimed, isDenied, facts)).toMatchObject({ job: { attempts: [{ sentAt: null, waits: 1 }] }, commands: again });
    expect(decide(called, failed(1, 'provider_denied', { retryAfterMs: 40_000 }), facts).commands).toEqual(again);
    const due = (ms: number) => decide({ ...claimed, deadline: NOON + ms }, isDenied, facts).job.status;
    expect([due(30_000), due(40_000), due(40_001)]).toEqual(['failed', 'failed', 'queued']);
  });
  test('fails where its provider is off, which no wait mends', () => {
    const claimed = after(pinned, facts, classified(0.1)).job;
    expect(decide(claimed, notMade(1, 'provider_off', null), facts).job).toMatchObject({ status: 'failed' });
  });
  test('is called again after a stopping worker gave the call up', () => {
    const { job } = decide(called, failed(1, 'aborted', { retryable: false, maybeBilled: true }), facts);
    expect(job).toMatchObject({ status: 'in_progress', step: { kind: 'call', attempt: 2 } });
  });
  test('waits for a place within a limit however often there is none, which costs it no call', () => {
    const claimed = after(pinned, facts, classified(0.1)).job;
    const limited = (job: typeof claimed): typeof claimed =>
      decide(job, { ...notMade(1, 'rate_limited', 60_000), epoch: job.epoch } as JobEvent, facts).job;
    const waiting = [1, 2, 3, 4, 5].reduce(limited, claimed);
    expect(waiting).toMatchObject({ status: 'queued', attempts: [{ state: 'claimed', waits: 5 }] });
    expect(waiting.attempts).toHaveLength(1);
  });
  test('does not wait for a judge that is denied', () => {
    const judging = after(called, facts, answered(1), { type: 'judge-requested', attempt: 1, check: 0 }, sent(2)).job;
    const { job } = decide(judging, failed(2, 'provider_denied', { retryAfterMs: 1000 }), facts);
    expect(job).toMatchObject({ step: { kind: 'score', attempt: 1 }, attempts: [{}, { outcome: 'failed' }] });
  });
  test('waits at least as long as the provider asks for', () => {
    const { commands } = decide(called, failed(1, 'rate_limited', { retryable: true, retryAfterMs: 60_000 }), facts);
    expect(commands).toEqual([{ type: 'enqueue', step: { kind: 'call', attempt: 2 }, delayMs: 60_000 }]);
  });
});

test('a job that others may answer waits for a place within a limit three times, and for a long time never', () => {
  const limited = (job: typeof fresh, retryAfterMs: number): typeof fresh =>
    decide(job, { ...notMade(1, 'rate_limited', retryAfterMs), epoch: job.epoch } as JobEvent, facts).job;
  const claimed = after(fresh, facts, classified(0.1)).job;
  const waiting = [1, 2, 3].reduce((job) => limited(job, 100), claimed);
  expect(waiting.attempts).toMatchObject([{ model: LOW, waits: 3 }]);
  expect(limited(waiting, 100).attempts).toMatchObject([{ model: LOW, outcome: 'failed' }, { model: LOW_TWIN }]);
  expect(limited(claimed, 60_000).attempts).toMatchObject([{ model: LOW, outcome: 'failed' }, { model: LOW_TWIN }]);
});

test('the trail says of a call that was not made how long it waited', () => {
  const claimed = after(fresh, facts, classified(0.1)).job;
  const { trail } = decide(claimed, notMade(1, 'rate_limited', 60_000), { ...facts, now: NOON + 300 });
  expect(trail[0]).toMatchObject({ event: 'attempt-failed', wait_ms: 300, model_ms: 0 });
});

test('what is told twice of the last wait of a call does not end it', () => {
  const claimed = after(fresh, facts, classified(0.1)).job;
  const toldTwice = (job: typeof claimed, waits: number): typeof claimed => {
    const isLimited = { ...notMade(1, 'rate_limited', 100), epoch: job.epoch } as JobEvent;
    const waiting = decide(job, isLimited, facts).job;
    expect(waiting.attempts).toMatchObject([{ state: 'claimed', waits }]);
    expect(decide(waiting, isLimited, facts)).toEqual({ job: waiting, trail: [], commands: [] });
    return waiting;
  };
  [1, 2, 3].reduce(toldTwice, claimed);
});

describe('a job that was queued before the circuits of all models opened', () => {
  const circuitsOpen = Object.fromEntries(Object.keys(config.models).map((id) => [id, NOON + 8000]));
  const outage = { ...facts, health: { providersOff: {}, circuitsOpen } };
  const claimed = after(fresh, facts, classified(0.9)).job;
  const denied = (job: typeof claimed): typeof claimed => {
    const number = job.attempts.length;
    return decide(job, { ...notMade(number, 'circuit_open', 8000), epoch: job.epoch } as JobEvent, outage).job;
  };
  test('is asked when its own may close', () => {
    expect(denied(claimed)).toMatchObject({ status: 'queued', attempts: [{ model: HIGH, sentAt: null }, { model: HIGH }] });
  });
  test('is asked too where calls of other models were not made often', () => {
    const wide = exampleConfig((file) => {
      for (const number of [1, 2, 3, 4]) file.models[`openai/high-${number}`] = exampleModel('premium', number);
      file.routes['default']!['fallback'] = [];
    });
    const resting = factsOf(wide, { health: { providersOff: {}, circuitsOpen: { [HIGH]: NOON + 8000 } } });
    const first = after(acceptedJob(wide), resting, classified(0.9)).job;
    const job = [1, 2, 3, 4].reduce(
      (now, number) => decide(now, { ...notMade(number, 'provider_off', null), epoch: now.epoch } as JobEvent, resting).job,
      first,
    );
    expect(job).toMatchObject({ status: 'queued', attempts: [{}, {}, {}, {}, { model: HIGH, state: 'claimed' }] });
  });
  test('ends where they never do', () => {
    const job = Array.from({ length: 12 }).reduce<typeof claimed>(
      (now) => (now.status === 'queued' ? denied(now) : now),
      claimed,
    );
    expect(job.status).toBe('failed');
    expect(job.attempts.map(({ model }) => model)).toEqual([HIGH, HIGH, HIGH, HIGH]);
    expect(job.attempts.every(({ sentAt }) => sentAt === null)).toBe(true);
  });
});

describe('a job that only models of providers that have denied the account could answer', () => {
  const denial = { providersOff: { openai: 'no credit', anthropic: 'no credit' }, circuitsOpen: {} };
  const denied = factsOf(config, {
    health: { ...denial, providersDenied: { openai: NOON + 50_000, anthropic: NOON + 40_000 } },
  });
  test('waits until the first of them may be called again, and is then answered', () => {
    const waiting = after(fresh, denied, classified(0.1));
    expect(waiting.commands).toEqual([{ type: 'enqueue', step: { kind: 'call', attempt: 1 }, delayMs: 40_000 }]);
    expect(waiting.job).toMatchObject({ status: 'queued', attempts: [{ model: LOW_TWIN }] });
    expect(after(waiting.job, facts, sent(1), answered(1), judged(1, 1)).job.status).toBe('completed');
  });
  test('waits for none below the tier where it starts', () => {
    expect(after(fresh, denied, classified(0.9)).job.attempts).toMatchObject([{ model: HIGH }]);
  });
  test('waits for one that is dearer only where none that can do it is cheaper', () => {
    const strong = exampleConfig((file) => void (file.models[HIGH] = exampleModel('premium', 40, { context_window: 4000 })));
    const long = acceptedJob(strong, requestOf({ input: { prompt: 'x'.repeat(32_000) } }));
    expect(after(long, { ...denied, config: strong }, classified(0.9)).job).toMatchObject({
      status: 'queued',
      attempts: [{ model: MIDDLE }],
    });
  });
  test('waits too after it was itself the one that was denied, also for the same model, three more times', () => {
    const isDenied = (job: typeof fresh): typeof fresh => {
      const { number } = job.attempts.at(-1)!;
      return after(job, denied, sent(number), failed(number, 'provider_denied')).job;
    };
    const first = isDenied(after(fresh, facts, classified(0.9)).job);
    expect(first).toMatchObject({ status: 'in_progress', attempts: [{ model: HIGH }, { model: HIGH, state: 'claimed' }] });
    expect([1, 2].reduce(isDenied, first).status).toBe('in_progress');
    expect([1, 2, 3].reduce(isDenied, first).status).toBe('failed');
  });
  test('waits for none that may be called after its deadline alone', () => {
    const due = (ms: number) => after({ ...fresh, deadline: NOON + ms }, denied, classified(0.1)).job.status;
    expect([due(40_000), due(40_001)]).toEqual(['failed', 'queued']);
  });
  test('fails where the denial does not end, and at once where the providers are off', () => {
    const deniedAgain = (job: typeof fresh): typeof fresh =>
      decide(job, { ...notMade(job.attempts.length, 'provider_denied', 40_000), epoch: job.epoch } as JobEvent, denied).job;
    let job = after(fresh, denied, classified(0.9)).job;
    for (let waits = 0; waits < 20 && job.status === 'queued'; waits += 1) job = deniedAgain(job);
    expect(job.status).toBe('failed');
    expect(job.attempts.map(({ model }) => model)).toEqual([HIGH, HIGH, HIGH, HIGH]);
    expect(after(fresh, factsOf(config, { health: denial }), classified(0.1)).job.status).toBe('failed');
  });
});

describe('a call that is not made by what is known of its model', () => {
  test.each(['provider_denied', 'provider_off', 'circuit_open'] as const)('(%s) goes elsewhere and spends no attempt', (code) => {
    const strict = exampleConfig();
    strict.routes['default']!.max_attempts = 1;
    const { job, trail } = after(fresh, factsOf(strict), classified(0.1), notMade(1, code, 8000));
    expect(job).toMatchObject({ failovers: 1, attempts: [{ model: LOW, sentAt: null, errorCode: code }, { model: LOW_TWIN }] });
    expect(trail.map(({ event }) => event)).not.toContain('attempt-sent');
  });
});

describe('a call counts as a retry, of which each provider gets few,', () => {
  const retried = (...events: JobEvent[]): boolean => {
    const { job } = after(fresh, facts, classified(0.1), ...events);
    return isRetry(job, job.attempts.at(-1)!);
  };
  test.each([
    ['overloaded', true],
    ['provider_denied', true],
    ['circuit_open', false],
    ['provider_off', false],
    ['outcome_unknown', false],
    ['aborted', false],
  ] as const)('after a call that has failed by %s: %s', (code, isOne) => {
    expect(retried(sent(1), failed(1, code))).toBe(isOne);
  });
  test('but not after one that was not made, or an answer that fell short', () => {
    expect(retried(notMade(1, 'provider_denied', 1000))).toBe(false);
    expect(retried(sent(1), answered(1), judged(1, 0.1))).toBe(false);
  });
  test('where it is made beside a slow one', () => {
    const hedging = factsOf(exampleConfig((file) => void (file.routes['default']!['hedge'] = true)));
    const { job } = after(fresh, hedging, classified(0.1), sent(1), { type: 'hedge-due', attempt: 1, afterMs: 100 });
    expect(isRetry(job, job.attempts[1]!)).toBe(true);
  });
  test('of a judge only after one that was asked by the same check about the same answer', () => {
    const judging: JobEvent[] = [sent(1), answered(1), { type: 'judge-requested', attempt: 1, check: 0 }, sent(2)];
    const again = (outcome: JobEvent, check: number): boolean =>
      retried(...judging, outcome, { type: 'judge-requested', attempt: 1, check });
    expect(again(failed(2, 'overloaded'), 0)).toBe(true);
    expect(again(failed(2, 'overloaded'), 1)).toBe(false);
    expect(again(answered(2), 0)).toBe(false);
  });
});
