import type { CheckOutcome, JobEvent } from '@upshift/contracts';
import { decide } from '@upshift/routing';
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
  MIDDLE,
  NOON,
  requestOf,
  sent,
  verdictAt,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const scored = after(acceptedJob(config), facts, classified(0.1), sent(1), answered(1)).job;
const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: MIDDLE }));
const lateFailure = (revision: number): JobEvent => ({ type: 'verdict-arrived-late', revision, verdict: verdictAt(0.1, false) });

describe('a verdict', () => {
  const check = (type: CheckOutcome['type'], passed: boolean, gate = true): CheckOutcome => ({
    type,
    gate,
    passed,
    score: Number(passed),
    weight: 1,
    reason: `${type} as told`,
  });
  const verdict = (...checks: CheckOutcome[]): JobEvent => ({
    type: 'judged',
    attempt: 1,
    verdict: { score: 0.9, passed: checks.every(({ gate, passed }) => passed || !gate), checks },
  });

  test('that falls short says by which gates, to the client too, until an answer is accepted', () => {
    const short = decide(scored, verdict(check('regex', false), check('length', false, false), check('non_empty', true)), facts);
    expect(short.job).toMatchObject({ reasons: ['openai/low: failed regex (regex as told)'], attempts: [{ passed: false }, {}] });
    const { job } = after(short.job, facts, sent(2), answered(2), judged(2, 0.9));
    expect(job).toMatchObject({ status: 'completed', reasons: [], attempts: [{ passed: false }, { passed: true }] });
  });
  test.each([
    ['one of two checks of the form fails', [check('json', true), check('json_schema', false)], true],
    ['all checks of the form pass', [check('json', true), check('regex', false)], false],
    ['no check looks at the form', [check('regex', false)], null],
  ])('tells whether the form is broken: %s', (_what, checks, schemaFailed) => {
    expect(decide(scored, verdict(...checks), facts).job.attempts[0]).toMatchObject({ schemaFailed });
  });
  test('is about an answer that is there: a call has none yet', () => {
    const called = after(acceptedJob(config), facts, classified(0.1), sent(1)).job;
    expect(decide(called, judged(1, 1), facts)).toEqual({ job: called, trail: [], commands: [] });
  });
  test('asks no score of the only model that may answer', () => {
    const { job } = after(pinned, facts, classified(0.1), sent(1), answered(1), judged(1, 0.1));
    expect(job).toMatchObject({ status: 'completed', degraded: false });
  });
});

describe('a late verdict that fails an answer', () => {
  const delivered = decide(scored, judged(1, 0.9), facts).job;
  const reopened = decide(delivered, lateFailure(1), facts).job;

  test('takes back what was said of it', () => {
    expect(reopened).toMatchObject({ degraded: false, completedAt: null, attempts: [{ score: 0.1, passed: false }, {}] });
    const degraded = after({ ...scored, deadline: NOON }, facts, { type: 'deadline-passed' }).job;
    expect(degraded).toMatchObject({ degraded: true, reasons: ['the deadline passed'] });
    expect(decide(degraded, lateFailure(1), facts).job).toMatchObject({ degraded: false, reasons: [] });
  });
  test('is about a result, and not about a revision that is in progress, cancelled or failed', () => {
    const cancelled = decide(reopened, { type: 'cancelled' }, facts).job;
    const failure = after(acceptedJob(config), facts, classified(0.1), sent(1), failed(1, 'invalid_request')).job;
    for (const [job, revision] of [
      [reopened, 2],
      [cancelled, 2],
      [failure, 1],
    ] as const)
      expect(decide(job, lateFailure(revision), facts)).toEqual({ job, trail: [], commands: [] });
  });
  test('is about the revision that it names', () => {
    const second = after(reopened, facts, sent(2), answered(2), judged(2, 0.9)).job;
    expect(decide(second, lateFailure(1), facts)).toEqual({ job: second, trail: [], commands: [] });
  });
  test('fails it only once, also where no other can be given', () => {
    const ended = after(pinned, facts, classified(0.1), sent(1), answered(1), judged(1, 0.9), lateFailure(1)).job;
    expect(ended).toMatchObject({ status: 'completed', degraded: true, revision: 2, finalAttempt: 1 });
    expect(decide(ended, lateFailure(2), facts)).toEqual({ job: ended, trail: [], commands: [] });
  });
});

test('a deadline stops the calls in flight, and is none where the job has none', () => {
  const due = decide({ ...scored, deadline: NOON }, { type: 'deadline-passed' }, facts);
  expect(due.commands).toEqual([{ type: 'abort' }, { type: 'deliver' }]);
  expect(decide(scored, { type: 'deadline-passed' }, facts)).toEqual({ job: scored, trail: [], commands: [] });
});
