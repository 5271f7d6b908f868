import type { JobEvent, JobRequestBody } from '@upshift/contracts';
import { decide } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  EMBEDDER,
  EMBEDDER_TWIN,
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
const called = after(fresh, facts, classified(0.1), sent(1)).job;
const modelsOf = ({ job }: ReturnType<typeof after>): string[] => job.attempts.map(({ model }) => model);
const delaysOf = ({ commands }: ReturnType<typeof after>): number[] =>
  commands.flatMap((command) => (command.type === 'enqueue' ? [command.delayMs] : []));

describe('a limit', () => {
  const limited = (retryAfterMs: number | null, changes = {}) => failed(1, 'rate_limited', { retryAfterMs, ...changes });
  test.each([
    ['30 s at most is waited out', limited(30_000), [LOW]],
    ['more is not waited for', limited(30_001), [LOW, LOW_TWIN]],
    ['an unknown time is waited out', limited(null), [LOW]],
    ['a call that may have been billed is not repeated', limited(100, { maybeBilled: true }), [LOW, LOW_TWIN]],
  ])('%s', (_what, event, models) => expect(modelsOf(decide(called, event, facts))).toEqual(models));

  test('is waited out by the same attempt, which has not been sent then', () => {
    expect(decide(called, limited(100), facts).job.attempts).toMatchObject([{ state: 'claimed', sentAt: null, waits: 1 }]);
  });

  test('of a call that nobody waits for any more is not waited out', () => {
    const { job, commands } = after(after(called, facts, { type: 'cancelled' }).job, facts, limited(100));
    expect(job).toMatchObject({ status: 'cancelled', step: null, attempts: [{ state: 'settled', costNanoUsd: 0 }] });
    expect(commands).toEqual([]);
  });

  test('of unknown length is waited for a second, and each job a little longer by chance, up to a quarter', () => {
    expect(delaysOf(decide(called, limited(null), facts))).toEqual([1000]);
    expect(delaysOf(decide(called, limited(8000), { ...facts, draw: 0.5 }))).toEqual([9000]);
  });

  test('that one of two calls meets leaves the job to the other one', () => {
    const hedging = factsOf(exampleConfig((file) => void (file.routes['default']!['hedge'] = true)));
    const { job, commands } = after(called, hedging, { type: 'hedge-due', attempt: 1, afterMs: 100 }, sent(2), limited(100));
    expect(job).toMatchObject({ step: { attempt: 1 }, attempts: [{ outcome: 'failed', costNanoUsd: 0 }, { state: 'sent' }] });
    expect(commands).toEqual([]);
  });
});

describe('an input that does not fit the window of its model', () => {
  const wide = (change: (models: Record<string, Record<string, unknown>>) => void) => {
    const under = exampleConfig((file) => change(file.models));
    return after(acceptedJob(under), factsOf(under), classified(0.1), sent(1), failed(1, 'context_too_long'));
  };
  test('is put to models with a larger window only', () => {
    const { job } = wide((models) => Object.assign(models[MIDDLE]!, { context_window: 200_000 }));
    expect(job).toMatchObject({ failovers: 1, tier: 'standard', needs: { contextTokens: 100_001 } });
    expect(job.attempts.map(({ model }) => model)).toEqual([LOW, MIDDLE]);
  });
  test('fails where no model has one', () => {
    const { job } = wide(() => undefined);
    expect(job).toMatchObject({ status: 'failed', attempts: [{ model: LOW }] });
    expect(job.reasons.join()).toContain('no model left');
  });
});

describe('a lost call', () => {
  const lost = (attempt: number): JobEvent[] => [sent(attempt), failed(attempt, 'aborted')];
  const broken = (attempt: number): JobEvent[] => [sent(attempt), failed(attempt, 'overloaded')];

  test('is made once more for each model and tier, whatever else was lost or asked of it', () => {
    const inTwo = after(fresh, facts, classified(0.1), ...lost(1), ...broken(2), ...lost(3));
    expect(modelsOf(inTwo)).toEqual([LOW, LOW, LOW_TWIN, LOW_TWIN]);
    const inChain = after(fresh, facts, classified(0.5), ...lost(1), ...lost(2), ...broken(3), ...lost(4));
    expect(modelsOf(inChain)).toEqual([MIDDLE, MIDDLE, HIGH, MIDDLE, MIDDLE]);
    const asking = factsOf(exampleConfig((file) => void (file.classifier['llm'] = { models: [LOW] })));
    for (const outcome of [answered(1), failed(1, 'aborted')]) {
      const events: JobEvent[] = [{ type: 'classify-requested' }, sent(1), outcome, classified(0.1), ...lost(2)];
      const again = after(fresh, asking, ...events);
      expect([again.job.failovers, ...modelsOf(again)]).toEqual([0, LOW, LOW, LOW]);
    }
  });
  test('is not made again while the circuit of its model is open', () => {
    const open = { ...facts, health: { providersOff: {}, circuitsOpen: { [LOW]: NOON + 1000 } } };
    expect(modelsOf(decide(called, failed(1, 'aborted'), open))).toEqual([LOW, LOW_TWIN]);
  });
});

describe('the fallback chain', () => {
  const chainOf = (fallback: string[], ...events: JobEvent[]) => {
    const under = exampleConfig((file) => void (file.routes['default']!['fallback'] = fallback));
    return after(acceptedJob(under), factsOf(under), classified(0.9), sent(1), ...events);
  };
  test('asks no model twice at once', () => {
    const ended = chainOf(
      [HIGH, LOW, MIDDLE],
      failed(1, 'overloaded'),
      sent(2),
      failed(2, 'overloaded'),
      sent(3),
      failed(3, 'timeout'),
    );
    expect(modelsOf(ended)).toEqual([HIGH, LOW, HIGH, MIDDLE]);
    expect(ended.job).toMatchObject({ fallbacks: 1, failovers: 1, tier: 'fallback' });
  });
  test('passes over what can not be called now', () => {
    const health = { providersOff: {}, circuitsOpen: { [MIDDLE]: NOON + 1000 } };
    const top = after(fresh, facts, classified(0.9), sent(1)).job;
    expect(modelsOf(decide(top, failed(1, 'overloaded'), { ...facts, health }))).toEqual([HIGH, HIGH]);
  });
  test('is none of a pinned model', () => {
    const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: LOW }));
    const { job } = after(pinned, facts, classified(0.1), sent(1), answered(1), judged(1, 1, false));
    expect(job).toMatchObject({ status: 'completed', degraded: true, fallbacks: 0, attempts: [{ model: LOW }] });
  });
  test('ends with the best answer, the first of equal ones', () => {
    const short = (attempt: number, score: number) => [answered(attempt), judged(attempt, score, false), sent(attempt + 1)];
    const last = [answered(3), judged(3, 0.4, false)];
    expect(chainOf([LOW, MIDDLE], ...short(1, 0.2), ...short(2, 0.4), ...last).job.finalAttempt).toBe(2);
    expect(chainOf([LOW, MIDDLE], ...short(1, 0.5), ...short(2, 0.4), ...last).job.finalAttempt).toBe(1);
  });
});

describe('a model whose circuit is open, where nobody else is left', () => {
  const resting = (
    circuitsOpen: Record<string, number>,
    complexity: number,
    body: Partial<JobRequestBody> = {},
    change: Parameters<typeof exampleConfig>[0] = () => undefined,
  ) => {
    const under = exampleConfig(change);
    const job = acceptedJob(under, requestOf({ input: { prompt: 'x' }, ...body }));
    const decision = after(job, factsOf(under, { health: { providersOff: {}, circuitsOpen } }), classified(complexity));
    return decision.job.status === 'queued' ? [...modelsOf(decision), ...delaysOf(decision)] : decision.job.status;
  };
  const all = { [LOW]: NOON + 9000, [LOW_TWIN]: NOON + 8000, [MIDDLE]: NOON + 7000, [HIGH]: NOON + 6000 };

  test('is the one whose circuit may close first', () => {
    expect(resting(all, 0.1)).toEqual([HIGH, 6000]);
    expect(resting({ ...all, [LOW_TWIN]: NOON + 5000 }, 0.1)).toEqual([LOW_TWIN, 5000]);
    expect(resting({ ...all, [LOW]: NOON - 1 }, 0.1)).toEqual([LOW, 0]);
  });
  test('is none that the configuration of the job does not have, or that can not do the job', () => {
    expect(resting({ ...all, 'openai/gone': NOON + 1, [EMBEDDER]: NOON + 1 }, 0.1)).toEqual([HIGH, 6000]);
  });
  test('is none that was called already', () => {
    const alone = exampleConfig((file) => void (file.routes['default']!['fallback'] = []));
    const open = factsOf(alone, { health: { providersOff: {}, circuitsOpen: { [HIGH]: NOON + 6000 } } });
    const top = after(acceptedJob(alone), factsOf(alone), classified(0.9), sent(1)).job;
    expect(decide(top, failed(1, 'overloaded'), open).job).toMatchObject({ status: 'failed', attempts: [{ model: HIGH }] });
  });
  test('is one that was only asked how complex the prompt is', () => {
    const asking = exampleConfig((file) => void (file.classifier['llm'] = { models: [LOW] }));
    const open = factsOf(asking, { health: { providersOff: {}, circuitsOpen: { ...all, [LOW]: NOON + 5000 } } });
    const request: JobEvent = { type: 'classify-requested' };
    const waiting = after(acceptedJob(asking), factsOf(asking), request, sent(1), failed(1, 'overloaded')).job;
    const decision = after(waiting, open, classified(0.1));
    expect([...modelsOf(decision), ...delaysOf(decision)]).toEqual([LOW, LOW, 5000]);
  });
  test('is cheap enough for the cap of the job', () => {
    expect(resting(all, 0.1, { limits: { cost_usd: 0.03 } })).toEqual([LOW, 9000]);
  });
  test('is one that the route names for its tier, and none on trial', () => {
    const named = (ids: string[]) =>
      resting({ ...all, 'openai/new': NOON + 1 }, 0.9, {}, (file) => {
        file.models['openai/new'] = exampleModel('premium', 1, { on_trial: true });
        if (ids.length > 0) file.routes['default']!['models'] = { premium: ids };
      });
    expect(named([])).toEqual([HIGH, 6000]);
    expect(named(['openai/new'])).toEqual(['openai/new', 1]);
  });
});

describe('a call for vectors', () => {
  const embedding = acceptedJob(config, requestOf({ input: { texts: ['x'] } }));
  const overloaded = (attempt: number, retryAfterMs: number | null = null): JobEvent[] => [
    sent(attempt),
    failed(attempt, 'overloaded', { retryable: true, retryAfterMs }),
  ];
  test('is repeated after a pause that doubles, by chance up to twice as long, and goes to an equivalent at once', () => {
    const pauses = (draw: number) => {
      const delays: number[] = [];
      let { job } = after(embedding, facts, classified(0.1));
      for (const attempt of [1, 2, 3, 4]) {
        const decision = after(job, { ...facts, draw }, ...overloaded(attempt));
        delays.push(...delaysOf(decision));
        job = decision.job;
      }
      return [...delays, job.attempts.at(-1)!.model];
    };
    expect(pauses(0)).toEqual([250, 500, 1000, 0, EMBEDDER_TWIN]);
    expect(pauses(0.5)).toEqual([375, 750, 1500, 0, EMBEDDER_TWIN]);
  });
  test('is not repeated sooner than its provider asks for', () => {
    expect(delaysOf(after(embedding, facts, classified(0.1), ...overloaded(1, 60_000)))).toEqual([60_000]);
  });
});

describe('a job that crashes its workers', () => {
  const crash = (job: typeof fresh) =>
    decide(job, { type: 'step-crashed', epoch: job.epoch, reason: 'it died thrice' }, facts).job;
  test('ends with what it has, and says why', () => {
    expect(crash(called)).toMatchObject({ status: 'failed', reasons: ['quarantined: it died thrice'] });
    expect(crash(after(called, facts, answered(1)).job)).toMatchObject({ status: 'completed', degraded: true, finalAttempt: 1 });
  });
  test('is left alone by what was seen of an earlier entry', () => {
    expect(decide(called, { type: 'step-crashed', epoch: called.epoch - 1, reason: 'x' }, facts)).toMatchObject({
      job: called,
      commands: [],
    });
  });
});

test('a model without a price in force is not asked for a job with a cap', () => {
  const unpriced = exampleConfig((file) => {
    file.models[LOW]!['prices'] = [{ from: '2027-01-01', input: 1, output: 5 }];
  });
  const asked = (body: object) =>
    modelsOf(
      after(acceptedJob(unpriced, requestOf({ input: { prompt: 'x' }, ...body })), factsOf(unpriced), classified(0.1, 'none')),
    );
  expect(asked({ limits: { cost_usd: 1 } })).toEqual([LOW_TWIN]);
  expect(asked({ limits: { cost_usd: 1 }, model: LOW })).toEqual([]);
  expect(asked({ model: LOW })).toEqual([LOW]);
});
