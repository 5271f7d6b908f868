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
  HIGH,
  judged,
  NOON,
  sent,
  verdictAt,
} from './example.ts';

describe('an earlier answer to the same request', () => {
  const remembering = exampleConfig((file) => {
    Object.assign(file.routes['default']!, { cached_answers_s: 60, fallback: [] });
  });
  const at = NOON - 30_000;
  const earlierAnswer = { model: HIGH, tier: 'premium', score: 0.9, at, answer: '{"text":"as before"}' };
  const top = after(acceptedJob(remembering), factsOf(remembering), classified(0.9), sent(1)).job;

  test('is given where all models have failed, marked degraded, for nothing', () => {
    const { job, trail, commands } = decide(top, failed(1, 'overloaded'), factsOf(remembering, { earlierAnswer }));
    expect(job).toMatchObject({
      status: 'completed',
      degraded: true,
      finalAttempt: 2,
      reasons: [expect.any(String), expect.any(String)],
    });
    expect(job.attempts[1]).toMatchObject({ model: HIGH, tier: 'premium', score: 0.9, costNanoUsd: 0, state: 'settled' });
    expect(trail.find(({ event }) => event === 'answer-reused')?.reason).toBe(
      'an answer to the same request of 2026-11-23T11:59:30.000Z is given',
    );
    expect(commands).toEqual([{ type: 'store-answer', attempt: 2, answer: '{"text":"as before"}' }, { type: 'deliver' }]);
  });
  test('comes before the best answer so far', () => {
    const answer = after(top, factsOf(remembering), answered(1)).job;
    expect(decide(answer, judged(1, 0.1, false), factsOf(remembering, { earlierAnswer })).job).toMatchObject({ finalAttempt: 2 });
    expect(decide(answer, judged(1, 0.1, false), factsOf(remembering)).job).toMatchObject({ finalAttempt: 1 });
  });
  test('is not given where it is too old, or the route does not allow it', () => {
    const old = { ...earlierAnswer, at: NOON - 61_000 };
    expect(decide(top, failed(1, 'overloaded'), factsOf(remembering, { earlierAnswer: old })).job.status).toBe('failed');
    const forgetful = exampleConfig((file) => void (file.routes['default']!['fallback'] = []));
    expect(decide(top, failed(1, 'overloaded'), factsOf(forgetful, { earlierAnswer })).job.status).toBe('failed');
  });
  test('that a late verdict fails is not given again', () => {
    const facts = factsOf(remembering, { earlierAnswer });
    const given = decide(top, failed(1, 'overloaded'), facts).job;
    const { job } = decide(given, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) }, facts);
    expect(job).toMatchObject({ revision: 2, status: 'completed', degraded: true, finalAttempt: 2 });
    expect(job.attempts).toHaveLength(2);
  });
});
