import { decide, hedgeAfterMs } from '@upshift/routing';
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
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const fresh = acceptedJob(config);
const modelsOf = ({ job }: ReturnType<typeof after>): string[] => job.attempts.map(({ model }) => model);

describe('a hedge', () => {
  const hedging = exampleConfig((file) => void (file.routes['default']!['hedge'] = true));
  const hedgingFacts = factsOf(hedging);
  const due = { type: 'hedge-due', attempt: 1, afterMs: 900 } as const;
  const called = after(acceptedJob(hedging), hedgingFacts, classified(0.1), sent(1)).job;
  const both = after(called, hedgingFacts, due, sent(2)).job;

  test('is a call of a sibling beside the slow one, without an entry of its own', () => {
    const { job, trail, commands } = decide(called, due, hedgingFacts);
    expect(job.attempts[1]).toMatchObject({ purpose: 'hedge', model: LOW_TWIN, state: 'claimed', hedges: 1 });
    expect(trail.map(({ reason }) => reason)).toEqual([`${LOW} has not answered within 900 ms, longer than 95 % of its calls`]);
    expect(commands).toEqual([]);
  });
  test('is not made unless the route wants it, twice, beside a call that has ended, or over a cap', () => {
    expect(after(fresh, facts, classified(0.1), sent(1), due).job.attempts).toHaveLength(1);
    expect(decide(both, due, hedgingFacts).job.attempts).toHaveLength(2);
    expect(after(called, hedgingFacts, answered(1), due).job.attempts).toHaveLength(1);
    const poor = exampleConfig((file) => Object.assign(file.routes['default']!, { hedge: true, max_attempts: 1 }));
    const { job } = after(acceptedJob(poor), factsOf(poor), classified(0.1), sent(1), due);
    expect(job).toMatchObject({ status: 'in_progress', attempts: [{ state: 'sent' }] });
  });
  test('is made although the model that was asked how complex the prompt is has refused', () => {
    const asking = factsOf(
      exampleConfig((file) => {
        file.classifier['llm'] = { models: [LOW] };
        file.routes['default']!['hedge'] = true;
      }),
    );
    const refusal = answered(1, { finishReason: 'refusal' });
    const second = after(fresh, asking, { type: 'classify-requested' }, sent(1), refusal, classified(0.1), sent(2)).job;
    expect(decide(second, { ...due, attempt: 2 }, asking).job.attempts[2]).toMatchObject({ purpose: 'hedge', hedges: 2 });
  });
  test('answers the job where it is first, and the slow call is only paid for', () => {
    const { job } = after(both, hedgingFacts, answered(2), failed(1, 'aborted', { maybeBilled: true }));
    expect(job.step).toEqual({ kind: 'score', attempt: 2 });
    expect(job.attempts[0]).toMatchObject({ state: 'unknown', costNanoUsd: null });
    expect(decide(job, judged(2, 0.9), hedgingFacts).job).toMatchObject({ status: 'completed', finalAttempt: 2, failovers: 0 });
    const { job: late } = after(both, hedgingFacts, answered(1), answered(2));
    expect(late).toMatchObject({
      step: { kind: 'score', attempt: 1 },
      attempts: [{}, { outcome: 'answered', costNanoUsd: 3_000_000 }],
    });
  });
  test('that refuses is a refusal of the job: the result, or put to the model that the route names, and not escalated', () => {
    const refusal = answered(2, { finishReason: 'refusal' });
    expect(decide(both, refusal, hedgingFacts).job).toMatchObject({ status: 'completed', finalAttempt: 2, degraded: false });
    const named = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { hedge: true, on_refusal: [MIDDLE] })));
    const { job } = after(both, named, refusal, sent(3, 3), answered(3), judged(3, 0.2));
    expect(job).toMatchObject({ status: 'completed', finalAttempt: 3, escalations: 0, attempts: [{}, {}, { model: MIDDLE }] });
  });
  test('carries the job on where the first call fails, and both fail before another model is asked', () => {
    const alone = after(both, hedgingFacts, failed(1, 'overloaded'));
    expect(alone.job).toMatchObject({ step: { kind: 'call', attempt: 1 }, failovers: 0 });
    expect(after(alone.job, hedgingFacts, answered(2)).job.step).toEqual({ kind: 'score', attempt: 2 });
    const neither = after(alone.job, hedgingFacts, failed(2, 'overloaded'));
    expect(modelsOf(neither)).toEqual([LOW, LOW_TWIN, MIDDLE]);
  });
  test('is not put off: the call beside which it is made carries the job on', () => {
    const claimed = decide(called, due, hedgingFacts).job;
    const deferred = decide(claimed, { type: 'retry-deferred', attempt: 2, waitMs: 500 }, hedgingFacts);
    expect(deferred).toEqual({ job: claimed, trail: [], commands: [] });
  });
  test('that was not made in time is settled for nothing', () => {
    const { error } = failed(2, 'aborted');
    const { job } = after(called, hedgingFacts, due, answered(1), { type: 'place-denied', attempt: 2, epoch: 1, error });
    expect(job).toMatchObject({ step: { kind: 'score', attempt: 1 }, attempts: [{}, { state: 'settled', costNanoUsd: 0 }] });
  });
  test('comes after 95 % of the last calls have answered, and not before there are enough to say', () => {
    const durations = Array.from({ length: 100 }, (_, index) => index + 1).toReversed();
    expect(hedgeAfterMs(durations)).toBe(95);
    expect(hedgeAfterMs(durations.slice(0, 19))).toBeNull();
  });
});
