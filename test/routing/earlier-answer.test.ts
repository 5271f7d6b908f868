import type { JobEvent } from '@upshift/contracts';
import { answersAgainForMs, decide, sameness, wantsEarlierAnswer } from '@upshift/routing';
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
  LOW,
  NOON,
  question,
  requestOf,
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
  test('is not given where the caller is told something else: after a refusal, or in an experiment', () => {
    const facts = factsOf(remembering, { earlierAnswer });
    const named = exampleConfig((file) => {
      Object.assign(file.routes['default']!, { cached_answers_s: 60, fallback: [], on_refusal: [LOW] });
    });
    const refusal = answered(1, { finishReason: 'refusal' });
    const refused = after(top, factsOf(named, { earlierAnswer }), refusal, sent(2), failed(2, 'overloaded')).job;
    expect(refused).toMatchObject({ status: 'completed', finalAttempt: 1, degraded: false, attempts: [{}, {}] });
    const inExperiment = { ...top, experiments: { arms: [], discardedAttempts: 0 } as never };
    expect(decide(inExperiment, failed(1, 'overloaded'), facts).job).toMatchObject({ status: 'failed' });
    const vectors = acceptedJob(remembering, requestOf({ input: { texts: ['x'] } }));
    expect(after(vectors, facts, classified(0.1), sent(1), failed(1, 'invalid_request')).job).toMatchObject({ status: 'failed' });
  });
  test('is given although the model that was asked how complex the prompt is has refused', () => {
    const asking = exampleConfig((file) => {
      file.classifier['llm'] = { models: [LOW] };
      Object.assign(file.routes['default']!, { cached_answers_s: 60, fallback: [] });
    });
    const refusal = answered(1, { finishReason: 'refusal' });
    const events: JobEvent[] = [
      { type: 'classify-requested' },
      sent(1),
      refusal,
      classified(0.9),
      sent(2),
      failed(2, 'overloaded'),
    ];
    const { job } = after(acceptedJob(asking), factsOf(asking, { earlierAnswer }), ...events);
    expect(job).toMatchObject({ status: 'completed', degraded: true, finalAttempt: 3 });
  });
  test('is given up to the age that the route allows', () => {
    const given = (age: number) => {
      const facts = factsOf(remembering, { earlierAnswer: { ...earlierAnswer, at: NOON - age } });
      return decide(top, failed(1, 'overloaded'), facts).job.status;
    };
    expect([given(60_000), given(60_001)]).toEqual(['completed', 'failed']);
  });
});

describe('the result of a job', () => {
  const config = exampleConfig((file) => void (file.routes['default']!['cached_answers_s'] = 60));
  const ended = (request = question, ...events: JobEvent[]) =>
    after(acceptedJob(config, request), factsOf(config), classified(0.1), sent(1), ...events).job;
  const good = ended(question, answered(1), judged(1, 0.9));

  test('answers the same request again for as long as the route says', () => {
    expect(answersAgainForMs(good, config)).toBe(60_000);
  });
  test.each([
    ['of another route', { ...good, route: 'chat' }],
    ['that failed', ended(question, failed(1, 'invalid_request'))],
    ['that is degraded', { ...good, degraded: true }],
    ['that is a refusal', ended(question, answered(1, { finishReason: 'refusal' }))],
    ['of an experiment', { ...good, experiments: { arms: [] } as never }],
    ['of vectors', ended(requestOf({ input: { texts: ['x'] } }), answered(1))],
    ['that is not there yet', ended(question, answered(1))],
  ])('answers nothing again %s', (_what, job) => expect(answersAgainForMs(job, config)).toBeNull());

  test('is looked for where the job fails or ends degraded, once', () => {
    const before = ended(question, answered(1));
    const failure = ended(question, failed(1, 'invalid_request'));
    expect(wantsEarlierAnswer(before, failure, config)).toBe(true);
    expect(wantsEarlierAnswer(before, { ...good, degraded: true }, config)).toBe(true);
    expect(wantsEarlierAnswer(before, good, config)).toBe(false);
    expect(wantsEarlierAnswer(before, before, config)).toBe(false);
    expect(wantsEarlierAnswer(failure, failure, config)).toBe(false);
    expect(wantsEarlierAnswer(before, failure, exampleConfig())).toBe(false);
  });

  test('is for requests that are the same in all, and are put under the same words', () => {
    const route = config.routes['default']!;
    const same = sameness('{"a":1}', route);
    expect(sameness('{"a":1}', { ...route, fallback: [] })).toBe(same);
    const others = [
      sameness('{"a":2}', route),
      sameness('{"a":1}', { ...route, system_prompt: 'Be brief.' }),
      sameness('{"a":1}', { ...route, prompt_prefix: 'Be brief.' }),
      sameness('{"a":1}', { ...route, parameters: { temperature: 0 } }),
    ];
    expect(new Set([same, ...others]).size).toBe(5);
  });
});
