import type { Check, CheckOutcome } from '@upshift/contracts';
import { buyerOf, decide, FAILS, samplesToAsk } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  factsOf,
  failed,
  judged,
  LOW,
  LOW_TWIN,
  MIDDLE,
  NOON,
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const fresh = acceptedJob(config);

describe('another answer to compare with', () => {
  const scored = after(fresh, facts, classified(0.1), sent(1), answered(1)).job;
  const request = { type: 'sample-requested', attempt: 1, check: 2, most: 2, models: null, between: [0.5, 0.95] } as const;
  test('is asked of another model of the tier, and the verdict waits for it', () => {
    const asked = decide(scored, request, facts);
    expect(asked.job.attempts[1]).toMatchObject({
      purpose: 'sample',
      tier: 'economy',
      model: LOW_TWIN,
      judges: { attempt: 1, check: 2 },
    });
    const given = after(asked.job, facts, sent(2), answered(2)).job;
    expect(given).toMatchObject({ step: { kind: 'score', attempt: 1 }, finalAttempt: null });
  });
  test('is asked of the models that the check names', () => {
    expect(decide(scored, { ...request, models: [MIDDLE] }, facts).job.attempts[1]).toMatchObject({
      model: MIDDLE,
      tier: 'standard',
    });
    const open = { ...facts, health: { providersOff: {}, circuitsOpen: { [MIDDLE]: NOON + 1000 } } };
    expect(decide(scored, { ...request, models: [MIDDLE, LOW] }, open).job.attempts[1]).toMatchObject({ model: LOW });
  });
  test.each([
    ['too low whatever comes', [0.1, 0.79]],
    ['high enough whatever comes', [0.8, 0.95]],
  ] as const)('is not asked for a score that is %s', (_why, between) => {
    expect(decide(scored, { ...request, between: [...between] }, facts).commands).toEqual([]);
  });
  test('is not asked where no threshold stands', () => {
    const top = after(fresh, facts, classified(0.9), sent(1), answered(1)).job;
    expect(decide(top, request, facts).commands).toEqual([]);
    // A gate holds there, too.
    expect(decide(top, { ...request, between: [FAILS, 0.9] }, facts).job.attempts[1]).toMatchObject({ purpose: 'sample' });
    expect(decide(top, { ...request, between: [FAILS, FAILS] }, facts).commands).toEqual([]);
    // What a judge says is wanted for itself: it needs the other answer there too.
    expect(decide(top, { ...request, between: null }, facts).job.attempts[1]).toMatchObject({ purpose: 'sample' });
  });
  test('is asked in the fallback chain of models of the tier to which the answering one belongs', () => {
    const only = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { fallback: [LOW] })));
    const fallen = after(fresh, only, classified(0.9), sent(1), failed(1, 'overloaded'), sent(2, 3), answered(2)).job;
    expect(fallen.attempts[1]).toMatchObject({ tier: 'fallback', model: LOW });
    const { job } = decide(fallen, { ...request, attempt: 2, between: [FAILS, 0.9] }, only);
    expect(job.attempts[2]).toMatchObject({ purpose: 'sample', model: LOW_TWIN });
  });
  test('that fails is made up for by one more call, then no longer', () => {
    const failedOnce = after(scored, facts, { ...request, most: 1 }, sent(2), failed(2, 'provider_error')).job;
    const again = decide(failedOnce, { ...request, most: 1 }, facts);
    expect(again.job.attempts[2]).toMatchObject({ purpose: 'sample', model: LOW });
    const failedTwice = after(again.job, facts, sent(3), failed(3, 'provider_error')).job;
    // There would be a third model.
    expect(decide(failedTwice, { ...request, most: 1, models: [LOW, LOW_TWIN, MIDDLE] }, facts).commands).toEqual([]);
  });
  test('that was lost by us may come from the same model again', () => {
    const only = { ...request, most: 1, models: [LOW_TWIN] };
    const lost = after(scored, facts, only, sent(2), failed(2, 'aborted', { maybeBilled: true })).job;
    expect(decide(lost, only, facts).job.attempts[2]).toMatchObject({ purpose: 'sample', model: LOW_TWIN });
  });
  test('is never the result', () => {
    const given = after(scored, facts, request, sent(2), answered(2)).job;
    expect(after(given, facts, judged(1, 1)).job).toMatchObject({ status: 'completed', finalAttempt: 1 });
  });
});

describe('the check that wants other answers', () => {
  const plain: CheckOutcome[] = [{ type: 'non_empty', gate: true, passed: true, score: 1, weight: 1, reason: 'as told' }];
  const agreement: Check = { type: 'agreement', samples: 2 };
  const request = { type: 'sample-requested', attempt: 1, check: 1, most: 2, models: null, between: null } as const;
  const scored = after(fresh, facts, classified(0.1), sent(1), answered(1)).job;
  const one = after(scored, facts, request, sent(2), answered(2)).job;
  const two = after(one, facts, request, sent(3), answered(3)).job;
  const wanted = (checks: Check[], job: typeof fresh, outcomes = plain) => samplesToAsk(checks, outcomes, job, 1);

  test('says how many are missing, one unless it names a number', () => {
    const checks: Check[] = [{ type: 'json' }, agreement];
    expect(wanted(checks, scored)).toEqual({ index: 1, check: agreement, most: 2, missing: 2 });
    expect(wanted(checks, one)).toMatchObject({ missing: 1 });
    expect(wanted(checks, two)).toBeNull();
    expect(wanted([{ type: 'json' }, { type: 'agreement' }], scored)).toMatchObject({ most: 1, missing: 1 });
  });
  test('is the one that wants most of several, and of equals the first', () => {
    const three: Check = { type: 'agreement', samples: 3, models: [MIDDLE] };
    const several: Check[] = [{ type: 'agreement' }, three, { ...three, models: [LOW] }];
    expect(wanted(several, scored)).toEqual({ index: 1, check: three, most: 3, missing: 3 });
    expect(wanted(several, two)).toMatchObject({ index: 1, missing: 1 });
    expect([buyerOf(several), buyerOf([{ type: 'json' }])]).toEqual([1, -1]);
  });
  test('does not count a call that failed', () => {
    const failedOnce = after(scored, facts, request, sent(2), failed(2, 'provider_error')).job;
    expect(wanted([{ type: 'json' }, agreement], failedOnce)).toMatchObject({ missing: 2 });
  });
  test('wants none where there is no such check, or a gate has failed already that it does not hold itself', () => {
    expect(wanted([{ type: 'json' }], scored)).toBeNull();
    const fails = (type: CheckOutcome['type']): CheckOutcome[] => [{ ...plain[0]!, type, passed: false }];
    expect(wanted([{ type: 'json' }, agreement], scored, fails('json'))).toBeNull();
    expect(wanted([{ type: 'json' }, agreement], scored, fails('agreement'))).toMatchObject({ missing: 2 });
  });
});
