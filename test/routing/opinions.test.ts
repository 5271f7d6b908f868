import type { JobEvent } from '@upshift/contracts';
import { decide, FAILS, isOpen, readVerification, verifierOutcome } from '@upshift/routing';
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
  LOW,
  MIDDLE,
  NOON,
  question,
  requestOf,
  sent,
  usage,
} from './example.ts';

const config = exampleConfig((file) => (file.judge.models = [MIDDLE, HIGH, LOW]));
const facts = factsOf(config);
const scored = after(acceptedJob(config), facts, classified(0.1), sent(1), answered(1)).job;
const request: JobEvent = { type: 'judge-requested', attempt: 1, check: 2 };
const judgesOf = ({ job }: ReturnType<typeof after>): string[] =>
  job.attempts.flatMap(({ purpose, model }) => (purpose === 'judge' ? [model] : []));

describe('a judge', () => {
  test('is the first of the configured ones, is asked about the answer, and the verdict waits for it', () => {
    const asked = decide(scored, request, facts);
    expect(asked.job).toMatchObject({
      tier: 'economy',
      step: { kind: 'call', attempt: 2 },
      attempts: [{}, { purpose: 'judge', tier: 'standard', model: MIDDLE, judges: { attempt: 1, check: 2 } }],
    });
    expect(after(asked.job, facts, sent(2), answered(2)).job.step).toEqual({ kind: 'score', attempt: 1 });
  });

  test('is another one where its circuit is open or its provider off, and none where no other is left', () => {
    const under = (health: object) => decide(scored, request, { ...facts, health: { ...facts.health, ...health } });
    expect(judgesOf(under({ circuitsOpen: { [MIDDLE]: NOON + 1000 } }))).toEqual([HIGH]);
    expect(judgesOf(under({ providersOff: { openai: 'no key' } }))).toEqual([HIGH]);
    expect(under({ providersOff: { openai: 'no key', anthropic: 'no key' } })).toMatchObject({ job: scored, commands: [] });
  });

  test('that fails, or says nothing that can be read, is asked once more elsewhere, and not a third time', () => {
    const outcomes = [failed(2, 'provider_error'), answered(2)];
    for (const outcome of outcomes) {
      const second = after(scored, facts, request, sent(2), outcome, request);
      expect(judgesOf(second)).toEqual([MIDDLE, HIGH]);
      const third = after(second.job, facts, sent(3), failed(3, 'provider_error'), request);
      expect(judgesOf(third)).toEqual([MIDDLE, HIGH]);
      expect(third.job.step).toEqual({ kind: 'score', attempt: 1 });
    }
  });

  test('whose call was lost by us is asked once more itself, as whoever answers is', () => {
    for (const code of ['aborted', 'outcome_unknown'] as const) {
      const lost = (attempt: number) => [sent(attempt), failed(attempt, code, { maybeBilled: true }), request];
      const second = after(scored, facts, request, ...lost(2));
      expect(judgesOf(second)).toEqual([MIDDLE, MIDDLE]);
      expect(judgesOf(after(second.job, facts, ...lost(3)))).toEqual([MIDDLE, MIDDLE]);
    }
  });

  test('that failed is not asked by another check either, one that has answered is', () => {
    const other: JobEvent = { ...request, check: 3 };
    expect(judgesOf(after(scored, facts, request, sent(2), failed(2, 'provider_error'), other))).toEqual([MIDDLE, HIGH]);
    expect(judgesOf(after(scored, facts, request, sent(2), answered(2), other))).toEqual([MIDDLE, MIDDLE]);
  });

  test('that finds no place, or is left alone, gives way to another in a pinned job too: only who answers is pinned', () => {
    const pinned = acceptedJob(config, requestOf({ input: question.input, model: LOW }));
    const asked = after(pinned, facts, classified(0.1), sent(1), answered(1), request).job;
    for (const code of ['rate_limited', 'circuit_open'] as const) {
      const { error } = failed(2, code, { retryAfterMs: 20_000 });
      const notMade = (waits: number): JobEvent => ({ type: 'place-denied', attempt: 2, epoch: asked.epoch + waits, error });
      expect(judgesOf(after(asked, facts, ...[0, 1, 2, 3].map(notMade), request))).toEqual([MIDDLE, HIGH]);
    }
  });

  test('is not asked about an answer that is not being scored', () => {
    const called = after(acceptedJob(config), facts, classified(0.1), sent(1)).job;
    expect(decide(called, request, facts).commands).toEqual([]);
    expect(decide(scored, { ...request, attempt: 2 }, facts).commands).toEqual([]);
  });

  test('is held against the cap of the job by its own needs, and spared where that does not allow it', () => {
    const capped = (usd: number) => {
      const job = acceptedJob(config, requestOf({ input: question.input, limits: { cost_usd: usd } }));
      return after(job, facts, classified(0.1), sent(1), answered(1), request);
    };
    // 1.5 thousandths are spent, and a judge of the middle tier may take 606 tokens in and 300 out: 0.021 USD.
    expect(judgesOf(capped(0.0226))).toEqual([MIDDLE]);
    const denied = capped(0.022);
    expect(denied.job).toMatchObject({ step: { kind: 'score', attempt: 1 }, attempts: [{}] });
    expect(denied.trail.at(-1)).toMatchObject({ event: 'budget-denied', purpose: 'judge', model: MIDDLE });
  });

  test('that compares two answers must have room for both', () => {
    const wanted: JobEvent = { type: 'sample-requested', attempt: 1, check: 2, most: 1, models: [HIGH], between: null };
    const long = { ...usage, outputTokens: 50_000 };
    const compared = after(scored, facts, wanted, sent(2), answered(2, { usage: long }), request).job.attempts[2]!;
    const alone = after(scored, facts, request).job.attempts[1]!;
    // 10 USD per million tokens of input.
    expect(compared.reservedNanoUsd - alone.reservedNanoUsd).toBe(500_000_000);
    const narrow = factsOf({
      ...config,
      models: { ...config.models, [MIDDLE]: { ...config.models[MIDDLE]!, context_window: 50_000 } },
    });
    expect(judgesOf(after(scored, narrow, wanted, sent(2), answered(2, { usage: long }), request))).toEqual([HIGH]);
  });
});

test('what a verifier says is written down while the answer is scored, and changes nothing', () => {
  const outcome = { type: 'verifier' as const, gate: true, passed: false, score: 0, weight: 1, reason: 'does not compile' };
  const told = decide(scored, { type: 'answer-verified', attempt: 1, outcome }, facts);
  expect(told).toMatchObject({ job: scored, commands: [] });
  expect(told.trail).toMatchObject([{ event: 'answer-verified', attempt: 1, score: 0, reason: 'does not compile' }]);
  expect(decide(scored, { type: 'answer-verified', attempt: 2, outcome }, facts).trail).toEqual([]);
});

test('what a verifier says counts, however long its reason is, and where it gives neither that nor a score', () => {
  const output = 'x'.repeat(3000);
  const said = readVerification(200, JSON.stringify({ passed: false, reason: output }));
  expect(verifierOutcome({ type: 'verifier', webhook: 'verifier' }, said)).toEqual({
    type: 'verifier',
    gate: true,
    passed: false,
    score: 0,
    weight: 1,
    reason: output.slice(0, 2000),
  });
  const bare = { passed: true, score: 1, reason: 'no reason given' };
  expect(readVerification(200, '{"passed":true}')).toEqual(bare);
  expect(readVerification(200, '{"passed":true,"score":null,"reason":null}')).toEqual(bare);
  expect(readVerification(200, '{"passed":"yes"}')).toHaveProperty('unavailable');
  expect(readVerification(202, '')).toEqual({ later: true });
});

describe('whether it is open what becomes of an answer', () => {
  const [ofEconomy] = scored.attempts;
  const [ofPremium] = after(acceptedJob(config), facts, classified(0.9)).job.attempts;
  test.each([
    ['it may pass or not', ofEconomy, [0.5, 0.8], true],
    ['it falls short whatever a judge says', ofEconomy, [0.5, 0.79], false],
    ['it passes whatever a judge says', ofEconomy, [0.8, 0.9], false],
    ['a judge can make it fail its gate', ofEconomy, [FAILS, 0.9], true],
    ['it has failed a gate', ofEconomy, [FAILS, FAILS], false],
    ['no score is asked of it, so that the opinion itself is wanted', ofPremium, [0.9, 1], true],
    ['no score is asked of it, and it has failed a gate', ofPremium, [FAILS, FAILS], false],
  ] as const)('%s', (_why, attempt, within, open) => {
    expect(isOpen(scored, config, attempt!, within)).toBe(open);
  });
});
