import type { CallErrorCode, JobEvent } from '@upshift/contracts';
import { decide } from '@upshift/routing';
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
  question,
  requestOf,
  sent,
  verdictAt,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const fresh = acceptedJob(config);
const modelsOf = ({ job }: ReturnType<typeof after>): string[] => job.attempts.map(({ model }) => model);
const embedding = acceptedJob(config, requestOf({ input: { texts: ['x'] } }));
const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: MIDDLE }));

test('what a route sets and a model rejects is named where the call is sent, once', () => {
  const warm = exampleConfig((file) => (file.routes['default']!['parameters'] = { temperature: 0.5, reasoning_effort: 'low' }));
  const saidOf = (body: object, complexity: number): string | undefined =>
    after(
      acceptedJob(warm, requestOf({ input: { prompt: 'x', ...body } })),
      factsOf(warm),
      classified(complexity),
      sent(1),
    ).trail.find(({ event }) => event === 'attempt-sent')?.reason;
  expect(saidOf({}, 0.1)).toBe(`calling ${LOW} without temperature, which it rejects`);
  expect(saidOf({ temperature: 1, top_p: 0.9 }, 0.1)).toBe(`calling ${LOW} without temperature, top_p, which it rejects`);
  expect(saidOf({ reasoning_effort: 'none' }, 0.9)).toContain('without temperature, reasoning_effort');
});

describe('the first model', () => {
  test('is the cheapest of the tier that the complexity says', () => {
    expect(modelsOf(after(fresh, facts, classified(0.1)))).toEqual([LOW]);
    expect(modelsOf(after(fresh, facts, classified(0.3)))).toEqual([MIDDLE]);
    expect(modelsOf(after(fresh, facts, classified(0.7)))).toEqual([HIGH]);
  });
  test('is the one that a rule prefers, whatever the complexity', () => {
    expect(modelsOf(after(fresh, facts, classified(0.9, 'translation')))).toEqual([LOW_TWIN]);
  });
  test('is another one while its circuit is open or its provider off', () => {
    const health = { providersOff: {}, circuitsOpen: { [LOW]: NOON + 10_000 } };
    expect(modelsOf(after(fresh, { ...facts, health }, classified(0.1)))).toEqual([LOW_TWIN]);
    const off = { providersOff: { openai: 'no key' }, circuitsOpen: {} };
    expect(modelsOf(after(fresh, { ...facts, health: off }, classified(0.5)))).toEqual([HIGH]);
  });
  test('comes too late for a job that is classified already', () => {
    expect(after(fresh, facts, classified(0.1), classified(0.9)).commands).toEqual([]);
  });
  test('is waited for where every circuit is open: an outage of all costs time, not the job', () => {
    const circuitsOpen = Object.fromEntries(Object.keys(config.models).map((id) => [id, NOON + 10_000]));
    const { job, commands } = after(fresh, { ...facts, health: { providersOff: {}, circuitsOpen } }, classified(0.1));
    expect(job.status).toBe('queued');
    expect(commands).toEqual([{ type: 'enqueue', step: { kind: 'call', attempt: 1 }, delayMs: 10_000 }]);
  });
  test('is not waited for where there is an answer already: the chain ends with the best one', () => {
    let { job } = after(fresh, facts, classified(0.7), sent(1), answered(1));
    const health = { providersOff: {}, circuitsOpen: { [LOW]: NOON + 10_000, [LOW_TWIN]: NOON + 10_000 } };
    for (let attempt = 1; job.step?.kind === 'score'; attempt += 1) {
      job = after(job, { ...facts, health }, judged(attempt, 0.1, false), sent(attempt + 1), answered(attempt + 1)).job;
    }
    expect(job).toMatchObject({ status: 'completed', degraded: true });
    expect(modelsOf({ job, trail: [], commands: [] })).not.toContain(LOW);
  });
  test('is missing where nothing can be reached: the job fails and says why', () => {
    const health = { providersOff: { openai: 'no key', anthropic: 'no key' }, circuitsOpen: {} };
    expect(after(fresh, { ...facts, health }, classified(0.1)).job).toMatchObject({
      status: 'failed',
      reasons: [expect.stringContaining('no model left')],
    });
  });
});

describe('an answer', () => {
  const scored = after(fresh, facts, classified(0.1), sent(1), answered(1));
  test('is scored next', () => expect(scored.job.step).toEqual({ kind: 'score', attempt: 1 }));
  test('is paid for by its usage', () =>
    expect([scored.job.attempts[0], scored.trail.at(-1)]).toMatchObject([
      { state: 'settled', costNanoUsd: 1_500_000 },
      { event: 'attempt-settled', usage: { input_tokens: 1000, output_tokens: 100 }, cost_usd: 0.0015, wait_ms: 1, model_ms: 2 },
    ]));
  test('at the threshold is accepted', () => {
    expect(decide(scored.job, judged(1, 0.8), facts)).toMatchObject({
      job: { status: 'completed', finalAttempt: 1, degraded: false },
      commands: [{ type: 'deliver' }],
    });
  });
  test('below the threshold is escalated one tier', () => {
    expect(decide(scored.job, judged(1, 0.79), facts).job).toMatchObject({ escalations: 1, tier: 'standard' });
  });
  test('that fails a gate is escalated whatever its score', () => {
    expect(decide(scored.job, judged(1, 1, false), facts).job).toMatchObject({ escalations: 1 });
  });
  test('that fails a gate at the top goes to the fallback chain, and the best is given, degraded, when that ends', () => {
    const top = after(fresh, facts, classified(0.9), sent(1), answered(1), judged(1, 0.2, false));
    expect(top.job).toMatchObject({ tier: 'fallback', fallbacks: 1 });
    const ended = after(top.job, facts, sent(2), answered(2), judged(2, 0.4, false), sent(3), answered(3), judged(3, 0.3, false));
    expect(modelsOf(ended)).toEqual([HIGH, MIDDLE, HIGH]);
    expect(ended.job).toMatchObject({ status: 'completed', degraded: true, finalAttempt: 2 });
  });
  test('that a chat route got needs no score', () => {
    const chat = acceptedJob(config, { ...question, route: 'chat' });
    expect(after(chat, facts, classified(0.1), sent(1), answered(1), judged(1, 0)).job.status).toBe('completed');
  });
  test('of unknown usage has an unknown cost', () => {
    expect(after(fresh, facts, classified(0.1), sent(1), answered(1, { usage: null })).job.attempts[0]?.costNanoUsd).toBeNull();
  });
  test('is judged by a verdict about itself alone', () => {
    const second = after(scored.job, facts, judged(1, 0.1), sent(2), answered(2)).job;
    expect(decide(second, judged(1, 1), facts)).toEqual({ job: second, trail: [], commands: [] });
  });
  test('after the end is paid for and changes nothing else', () => {
    const late = after(fresh, facts, classified(0.1), sent(1), { type: 'cancelled' }, answered(1));
    expect(late).toMatchObject({ job: { status: 'cancelled', attempts: [{ costNanoUsd: 1_500_000 }] }, commands: [] });
  });
  test('that was overtaken by a reopening is paid for and does not take the step of the new call', () => {
    const soon = { ...fresh, deadline: NOON };
    const overtaken = after(
      soon,
      facts,
      classified(0.1),
      sent(1),
      answered(1),
      judged(1, 0.5),
      sent(2),
      { type: 'deadline-passed' },
      { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) },
    );
    expect(overtaken.job.status).toBe('in_progress');
    const { job, commands } = decide(overtaken.job, answered(2), facts);
    expect([job.step, commands, job.attempts[1]?.state]).toEqual([overtaken.job.step, [], 'settled']);
  });
});

describe('a refusal', () => {
  test('is the result, with no other model asked', () => {
    const { job } = after(fresh, facts, classified(0.1), sent(1), answered(1, { finishReason: 'refusal' }));
    expect(job).toMatchObject({ status: 'completed', finalAttempt: 1, escalations: 0, attempts: [{ outcome: 'refused' }] });
  });
  test('is put to the model that the route names', () => {
    const named = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { on_refusal: [LOW_TWIN] })));
    expect(modelsOf(after(fresh, named, classified(0.1), sent(1), answered(1, { finishReason: 'refusal' })))).toEqual([
      LOW,
      LOW_TWIN,
    ]);
  });
  test('of that model too is put to the next, each is asked once, and the last refusal is the result', () => {
    const named = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { on_refusal: [LOW, LOW_TWIN, HIGH] })));
    const refusals = [1, 2, 3].flatMap((attempt) => [sent(attempt), answered(attempt, { finishReason: 'refusal' })]);
    const ended = after(fresh, named, classified(0.1), ...refusals);
    expect(modelsOf(ended)).toEqual([LOW, LOW_TWIN, HIGH]);
    expect(ended.job).toMatchObject({ status: 'completed', finalAttempt: 3 });
  });
  test.each([
    ['may not be asked by a cap', { max_attempts: 1 }, []],
    ['says that the input is bad', {}, [sent(2, 3), failed(2, 'invalid_request')]],
  ])('is the result still where the model that the route names %s', (_why, caps, events) => {
    const named = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { on_refusal: [HIGH], ...caps })));
    const { job } = after(fresh, named, classified(0.1), sent(1), answered(1, { finishReason: 'refusal' }), ...events);
    expect(job).toMatchObject({ status: 'completed', finalAttempt: 1, degraded: false });
  });
  test('is not escalated by a late verdict either', () => {
    const { job } = after(fresh, facts, classified(0.1), sent(1), answered(1, { finishReason: 'refusal' }));
    expect(decide(job, { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) }, facts)).toEqual({
      job,
      trail: [],
      commands: [],
    });
  });
});

describe('a failed call', () => {
  const called = after(fresh, facts, classified(0.1), sent(1)).job;
  test('goes to a model of the same tier', () =>
    expect(modelsOf(decide(called, failed(1, 'timeout', { maybeBilled: true }), facts))).toEqual([LOW, LOW_TWIN]));
  test('that may have been billed is unknown', () =>
    expect(decide(called, failed(1, 'timeout', { maybeBilled: true }), facts).job.attempts[0]).toMatchObject({
      state: 'unknown',
      costNanoUsd: null,
    }));
  test('by a limit waits with the same attempt, three times', () => {
    const limited = failed(1, 'rate_limited', { retryAfterMs: 2000 });
    expect(decide(called, limited, facts)).toMatchObject({
      job: { attempts: [{ state: 'claimed', waits: 1 }] },
      commands: [{ delayMs: 2000 }],
    });
    expect(modelsOf(after(called, facts, limited, sent(1), limited, sent(1), limited, sent(1), limited))).toEqual([
      LOW,
      LOW_TWIN,
    ]);
  });
  test('by an invalid input ends the job', () =>
    expect(decide(called, failed(1, 'invalid_request'), facts).job).toMatchObject({ status: 'failed', attempts: [{}] }));
  test('of an overloaded vendor goes to another vendor of the tier, though the same one has a cheaper model', () => {
    const wide = exampleConfig((file) => void (file.models['openai/low-2'] = exampleModel('economy', 1.5)));
    const called = (code: CallErrorCode) =>
      modelsOf(after(acceptedJob(wide), factsOf(wide), classified(0.1), sent(1), failed(1, code)));
    expect(called('overloaded')).toEqual([LOW, LOW_TWIN]);
    expect(called('model_not_found')).toEqual([LOW, 'openai/low-2']);
  });
  test.each<CallErrorCode>(['aborted', 'outcome_unknown'])(
    'that we lost (%s) is made once more, then by another model',
    (code) => {
      const lost = (attempt: number) => failed(attempt, code, { maybeBilled: true });
      const second = after(fresh, facts, classified(0.5), sent(1), lost(1));
      expect(modelsOf(second)).toEqual([MIDDLE, MIDDLE]);
      expect(second.job).toMatchObject({
        tier: 'standard',
        failovers: 0,
        attempts: [{ state: 'unknown', costNanoUsd: null }, {}],
      });
      expect(modelsOf(after(second.job, facts, sent(2), lost(2)))).toEqual([MIDDLE, MIDDLE, HIGH]);
    },
  );
  test('that a stopping worker gave up does not count against the attempts of the route', () => {
    const one = exampleConfig((file) => void (file.routes['default']!['max_attempts'] = 1));
    const again = after(acceptedJob(one), factsOf(one), classified(0.5), sent(1), failed(1, 'aborted'));
    expect(again.job).toMatchObject({ status: 'in_progress', step: { kind: 'call', attempt: 2 } });
  });
  test('that is a retry comes when its provider has room for it, as the same attempt', () => {
    const claimed = after(fresh, facts, classified(0.1), sent(1), failed(1, 'overloaded'));
    const event = { type: 'retry-deferred', attempt: 2, waitMs: 700 } as const;
    const deferred = decide(claimed.job, event, facts);
    expect(deferred).toMatchObject({
      job: { attempts: [{}, { state: 'claimed', retryAt: NOON + 700 }] },
      trail: [{ event: 'attempt-waiting', reason: 'anthropic has had its share of retries; this one comes in 700 ms' }],
      commands: [{ type: 'enqueue', step: { kind: 'call', attempt: 2 }, delayMs: 700 }],
    });
    expect(decide(deferred.job, event, facts).commands).toEqual([]);
  });
  test('is not sent by an entry that was overtaken', () => {
    const { job } = after(fresh, facts, classified(0.1));
    expect(decide(job, sent(1, job.epoch - 1), facts).commands).toEqual([]);
    expect(decide(job, sent(1, job.epoch - 1), facts).job).toEqual(job);
  });
  test('is counted once when it is told twice', () => {
    const once = decide(called, failed(1, 'overloaded'), facts);
    expect(decide(once.job, failed(1, 'overloaded'), facts)).toEqual({ job: once.job, trail: [], commands: [] });
  });
  test('of a pinned model is repeated after a pause, four times in all', () => {
    const again = (attempt: number) => [sent(attempt), failed(attempt, 'overloaded', { retryable: true })];
    const { job } = after(pinned, facts, classified(0.1), ...again(1), ...again(2), ...again(3), ...again(4));
    expect(job).toMatchObject({ status: 'failed' });
    expect(job.attempts.map(({ model }) => model)).toEqual([MIDDLE, MIDDLE, MIDDLE, MIDDLE]);
  });
});

describe('an interruption', () => {
  const called = after(fresh, facts, classified(0.1), sent(1)).job;
  test('by the client ends the job and its calls', () => {
    expect(decide(called, { type: 'cancelled' }, facts)).toMatchObject({
      job: { status: 'cancelled', step: null },
      commands: [{ type: 'abort' }, { type: 'deliver' }],
    });
  });
  test('by the deadline gives the answer in hand, else the job expires; before it, nothing happens', () => {
    const soon = { ...called, deadline: NOON };
    expect(decide(soon, { type: 'deadline-passed' }, facts).job.status).toBe('expired');
    expect(after(soon, facts, answered(1), { type: 'deadline-passed' }).job).toMatchObject({
      status: 'completed',
      degraded: true,
      finalAttempt: 1,
    });
    expect(decide({ ...called, deadline: NOON + 1 }, { type: 'deadline-passed' }, facts).commands).toEqual([]);
  });
  test('of the queue makes the same step anew', () => {
    expect(decide(called, { type: 'step-lost', epoch: called.epoch, reason: 'gone' }, facts)).toMatchObject({
      job: { step: called.step, epoch: called.epoch + 1 },
    });
  });
});

describe('a late verdict', () => {
  const delivered = after(fresh, facts, classified(0.1), sent(1), answered(1), judged(1, 1)).job;
  const failing = { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0.1, false) } as const;
  test('that fails the answer opens the next revision a tier up', () => {
    expect(decide(delivered, failing, facts).job).toMatchObject({
      status: 'in_progress',
      revision: 2,
      finalAttempt: 1,
      tier: 'standard',
      escalations: 1,
    });
  });
  test('that passes is noted and changes nothing of the result, and sent again it changes nothing at all', () => {
    const passing = { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(1) } as const;
    const { job, trail, commands } = decide(delivered, passing, facts);
    expect({ job, commands }).toEqual({
      job: { ...delivered, attempts: [{ ...delivered.attempts[0], confirmedIn: 1 }] },
      commands: [],
    });
    expect(trail).toMatchObject([{ event: 'answer-confirmed', revision: 1, attempt: 1, score: 1 }]);
    expect(decide(job, passing, facts)).toEqual({ job, trail: [], commands: [] });
  });
  test('gives the new revision as much time as the job had at first', () => {
    const late = { ...facts, now: NOON + 60_000 };
    const { job } = decide({ ...delivered, createdAt: NOON, deadline: NOON + 5000 }, failing, late);
    expect(job.deadline).toBe(NOON + 65_000);
  });
  test('gives a third revision no more time than that either', () => {
    const hour = 3_600_000;
    const at = (ms: number) => ({ ...facts, now: NOON + ms });
    const second = after({ ...delivered, deadline: NOON + 60_000 }, at(hour), failing, sent(2), answered(2), judged(2, 1)).job;
    expect(second).toMatchObject({ status: 'completed', deadline: NOON + hour + 60_000 });
    const { job } = decide(second, { ...failing, revision: 2 }, at(24 * hour));
    expect(job).toMatchObject({ status: 'in_progress', revision: 3, deadline: NOON + 24 * hour + 60_000 });
  });
  test('does not go beyond the escalations that are allowed', () => {
    const { job } = decide({ ...delivered, limits: { ...delivered.limits, maxEscalations: 0 } }, failing, facts);
    expect(job).toMatchObject({ status: 'completed', degraded: true, escalations: 0, attempts: [{}] });
  });
  test('leaves vectors alone', () => {
    const vectors = after(embedding, facts, classified(0.1), sent(1), answered(1)).job;
    expect(decide(vectors, failing, facts).job).toEqual(vectors);
  });
});

describe('a cheap model that is asked how complex a prompt is', () => {
  const asking = (cap?: number) =>
    exampleConfig((file) => {
      file.classifier['llm'] = { models: [LOW] };
      if (cap !== undefined) file.routes['default']!['cost_usd'] = cap;
    });
  const request: JobEvent = { type: 'classify-requested' };

  test('is one attempt, after which the job is classified, whatever came of it', () => {
    const facts = factsOf(asking());
    const { job } = after(acceptedJob(facts.config), facts, request, sent(1), failed(1, 'rate_limited'));
    expect(job).toMatchObject({ step: { kind: 'classify' }, failovers: 0, attempts: [{ purpose: 'classify', model: LOW }] });
    expect(after(job, facts, request).commands).toEqual([]);
    expect(after(job, facts, classified(0.9)).job.attempts[1]).toMatchObject({ purpose: 'answer', model: HIGH });
  });

  test('is not asked where the cap of money does not allow it, and the job goes on', () => {
    const facts = factsOf(asking(0.0000001));
    const denied = after(acceptedJob(facts.config), facts, request);
    expect(denied.trail.map(({ event }) => event)).toEqual(['budget-denied']);
    expect(denied.job.step).toEqual({ kind: 'classify' });
  });

  test('may refuse, as a judge may, which is no refusal of the job', () => {
    const facts = factsOf(asking());
    const refusal = answered(1, { finishReason: 'refusal' });
    const { job } = after(acceptedJob(facts.config), facts, request, sent(1), refusal, classified(0.1), sent(2), answered(2));
    expect(after(job, facts, judged(2, 0.1)).job).toMatchObject({ status: 'in_progress', escalations: 1 });
  });
});
