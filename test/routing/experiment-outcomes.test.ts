import { parseExperiment } from '@upshift/contracts';
import type { ExperimentOf, JobEvent, JobExperiments, JobState } from '@upshift/contracts';
import {
  addOutcome,
  assign,
  canaryTimeMs,
  commandExperiment,
  decide,
  emptyArmTally,
  newExperimentState,
  observationOf,
  outcomeOf,
  rerunNeedsMs,
  resultsOf,
  sharesOf,
} from '@upshift/routing';
import type { Outcome, Tallies } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { outcome } from '../eval-experiments/outcome.ts';
import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  failed,
  factsOf,
  judged,
  LOW,
  LOW_TWIN,
  NOON,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const part: JobExperiments = {
  arms: [{ experiment: 'new-model', arm: 'canary', probability: 0.05 }],
  baseConfigVersion: 'v0',
  holdFor: null,
  held: null,
  discardedAttempts: 0,
  shadowOf: null,
};
const holding: JobExperiments = { ...part, holdFor: 'new-model' };

function jobOf(experiments: JobExperiments, changes: Partial<JobState> = {}, request = requestOf({ input: { prompt: 'Why?' } })) {
  return { ...acceptedJob(config, request), experiments, ...changes };
}

/** Every outcome that is told on the way of a job. */
function told(job: JobState, events: JobEvent[], now = NOON): Outcome[] {
  const outcomes: Outcome[] = [];
  let state = job;
  for (const event of events) {
    const decision = decide(state, event.type === 'sent' ? { ...event, epoch: state.epoch } : event, { ...facts, now });
    const one = outcomeOf(state, decision, now);
    if (one) outcomes.push(one);
    state = decision.job;
  }
  return outcomes;
}

const toTheEnd = [classified(0.1), sent(1), answered(1), judged(1, 0.9)];
const lateFailure: JobEvent = {
  type: 'verdict-arrived-late',
  revision: 1,
  verdict: { score: 0, passed: false, checks: [] },
};

describe('what a job tells of its arm', () => {
  test('is told once, at its end', () => {
    expect(told(jobOf(part), toTheEnd)).toMatchObject([
      { observation: { accepted: true, metrics: { pass_rate: 1, error_rate: 0 } } },
    ]);
    expect(told(jobOf({ ...part, arms: [] }), toTheEnd)).toEqual([]);
  });

  test('is told when its end is held, and not again when that is released or taken back', () => {
    expect(told(jobOf(holding), [...toTheEnd, { type: 'hold-released' }])).toHaveLength(1);
    expect(told(jobOf(holding), [...toTheEnd, { type: 'arm-taken-back', reason: 'rolled back' }])).toHaveLength(1);
  });

  test('is a failure where it is taken from the canary before it was answered, with what was paid', () => {
    const events: JobEvent[] = [classified(0.1), sent(1), { type: 'arm-taken-back', reason: 'its deadline comes near' }];
    expect(told(jobOf(holding), events, NOON + 7000)).toMatchObject([
      {
        arms: part.arms,
        observation: { accepted: false, metrics: { pass_rate: 0, error_rate: 1, cost_usd: null, latency_ms: 7000 } },
      },
    ]);
  });

  test('takes of a budget what was set aside for a call whose cost is not known, and costs its arm what is known', () => {
    const known = observationOf(after(jobOf(part), facts, ...toTheEnd).job)!;
    expect(known.spentUsd).toBe(known.metrics.cost_usd);
    const lost = [
      classified(0.1),
      sent(1),
      failed(1, 'outcome_unknown', { maybeBilled: true }),
      sent(2),
      answered(2),
      judged(2, 1),
    ];
    const { job } = after(jobOf(part), facts, ...lost);
    const unknown = observationOf(job)!;
    expect(unknown.metrics.cost_usd).toBeNull();
    const [first, second] = job.attempts;
    expect(first!.reservedNanoUsd).toBeGreaterThan(0);
    const told = { job: 'job_1', arms: part.arms, shadowOf: null, observation: unknown };
    const { knownCostUsd: _untold, ...older } = unknown;
    const spent = addOutcome({}, canary(), told)['canary'];
    expect(spent).toMatchObject({ costUsd: second!.costNanoUsd! / 1e9, unknownCostJobs: 1 });
    expect(addOutcome({}, canary(), { ...told, observation: older })['canary']).toMatchObject({ costUsd: 0, unknownCostJobs: 1 });
    expect(unknown.spentUsd).toBeCloseTo((first!.reservedNanoUsd + second!.costNanoUsd!) / 1e9, 12);
  });

  test('is told once more when a late verdict fails it, and only the first time', () => {
    const again: JobEvent[] = [sent(2), answered(2), judged(2, 0.9), { ...lateFailure, revision: 2 }];
    expect(told(jobOf(part), [...toTheEnd, lateFailure, ...again]).map(({ observation }) => observation === null)).toEqual([
      false,
      true,
    ]);
  });

  test.each<[string, JobEvent[], object]>([
    ['an answer that passed', [answered(1), judged(1, 0.9)], { score: 0.9, pass_rate: 1 }],
    [
      'an escalated answer',
      [answered(1), judged(1, 0.1), sent(2), answered(2), judged(2, 0.8)],
      { score: 0.8, pass_rate: 1, escalation_rate: 1 },
    ],
    [
      'an answer that is only the best so far',
      [answered(1), judged(1, 0.1), sent(2), failed(2, 'invalid_request')],
      { score: 0.1, pass_rate: 0, escalation_rate: 1, error_rate: 1 },
    ],
    ['a refusal', [answered(1, { finishReason: 'refusal' })], { score: null, pass_rate: 0, refusal_rate: 1 }],
    ['a failure', [failed(1, 'invalid_request')], { score: null, pass_rate: 0, error_rate: 1 }],
    ['a deadline that passed', [{ type: 'deadline-passed' }], { score: null, pass_rate: 0, error_rate: 1 }],
  ])('of %s', (_what, events, metrics) => {
    const { job } = after(jobOf(part, { deadline: NOON }), facts, classified(0.1), sent(1), ...events);
    const usual = { escalation_rate: 0, error_rate: 0, refusal_rate: 0, late_failure_rate: 0 };
    expect(observationOf(job)).toMatchObject({ limitMs: 0, metrics: { ...usual, ...metrics } });
  });

  test('of a job that is taken from the canary tells whether it was escalated, or had to fall back', () => {
    const taken: JobEvent = { type: 'arm-taken-back', reason: 'its deadline comes near' };
    const outcome = (...events: JobEvent[]) =>
      told(jobOf(holding, { deadline: NOON + 1000 }), [...events, taken])[0]!.observation!;
    const plain = outcome(classified(0.1), sent(1));
    expect(plain).toMatchObject({ metFallback: false, limitMs: 1000, metrics: { escalation_rate: 0 } });
    const escalated = outcome(classified(0.1), sent(1), answered(1), judged(1, 0.1), sent(2));
    expect(escalated).toMatchObject({ metFallback: false, metrics: { escalation_rate: 1 } });
    const fellBack = outcome(classified(0.9), sent(1), failed(1, 'provider_error'), sent(2));
    expect(fellBack).toMatchObject({ metFallback: true, metrics: { escalation_rate: 0 } });
  });

  test('of a cancelled job is nothing', () => {
    expect(told(jobOf(part), [classified(0.1), { type: 'cancelled' }])).toEqual([]);
  });
});

describe('an arm whose model only fails', () => {
  test('is seen by its errors, although another model has answered', () => {
    const { job } = after(
      jobOf(part),
      facts,
      classified(0.1),
      sent(1),
      failed(1, 'provider_error'),
      sent(2),
      answered(2),
      judged(2, 1),
    );
    expect(job.attempts.map(({ model }) => model)).toEqual([LOW, LOW_TWIN]);
    expect(observationOf(job)).toMatchObject({ accepted: true, metrics: { error_rate: 1, pass_rate: 1 } });
  });

  test('passes nothing where a fallback has answered, and a guardrail on the score counts that as 0', () => {
    const events = [classified(0.9), sent(1), failed(1, 'provider_error'), sent(2), answered(2), judged(2, 1)];
    const { job } = after(jobOf(part), facts, ...events);
    expect(job).toMatchObject({ status: 'completed', fallbacks: 1 });
    const observation = observationOf(job)!;
    expect(observation).toMatchObject({ metFallback: true, accepted: false, metrics: { pass_rate: 0, score: 1 } });
    const document = canary({ guardrails: [{ metric: 'score', absolute: 0.05 }] });
    const tallies = addOutcome({}, document, { job: 'job_1', arms: part.arms, shadowOf: null, observation });
    expect(tallies['canary']).toMatchObject({
      fallbackJobs: 1,
      acceptedJobs: 0,
      guardrails: [{ count: 1, sum: 0 }],
      metrics: {},
    });
  });

  test('is seen by its errors too while it is not asked, because its circuit is open or its provider off', () => {
    const answeredBy = (circuitsOpen: Record<string, number>, providersOff: Record<string, string>, models?: string[]) => {
      const under = exampleConfig((file) => {
        if (models) file.routes['default']!['models'] = { economy: models };
      });
      const health = { circuitsOpen, providersOff };
      const events = [classified(0.1), sent(1), answered(1), judged(1, 1)];
      const { job } = after({ ...acceptedJob(under), experiments: part }, factsOf(under, { health }), ...events);
      return { model: job.attempts[0]!.model, errors: observationOf(job)!.metrics.error_rate };
    };
    const open = { [LOW]: NOON + 1000 };
    expect(answeredBy({}, {}, [LOW, LOW_TWIN])).toEqual({ model: LOW, errors: 0 });
    expect(answeredBy(open, {}, [LOW, LOW_TWIN])).toEqual({ model: LOW_TWIN, errors: 1 });
    expect(answeredBy({}, { openai: 'no key' }, [LOW, LOW_TWIN])).toEqual({ model: LOW_TWIN, errors: 1 });
    expect(answeredBy(open, {}, [LOW])).toMatchObject({ errors: 1 });
    // Where no model is named, any of the tier will do.
    expect(answeredBy(open, {})).toEqual({ model: LOW_TWIN, errors: 0 });
  });

  test('is not blamed for the calls that a stopping worker gave up', () => {
    const { job } = after(jobOf(part), facts, classified(0.1), sent(1), failed(1, 'aborted'), sent(2), answered(2), judged(2, 1));
    expect(observationOf(job)).toMatchObject({ metrics: { error_rate: 0 } });
  });
});

test('an answer that broke its schema counts although a better one was given in the end', () => {
  const broken = judged(1, 0.1);
  if (broken.type !== 'judged') throw new Error('not a verdict');
  broken.verdict = { ...broken.verdict, passed: false, checks: [schemaCheck('json', false)] };
  const mended = judged(2, 1);
  if (mended.type !== 'judged') throw new Error('not a verdict');
  mended.verdict = { ...mended.verdict, checks: [schemaCheck('json_schema', true)] };
  const { job } = after(jobOf(part), facts, classified(0.1), sent(1), answered(1), broken, sent(2), answered(2), mended);
  expect(job).toMatchObject({ status: 'completed', escalations: 1, attempts: [{ schemaFailed: true }, { schemaFailed: false }] });
  expect(observationOf(job)).toMatchObject({ metrics: { schema_failure_rate: 1 } });
  expect(observationOf(after(jobOf(part), facts, ...toTheEnd).job)).toMatchObject({ metrics: { schema_failure_rate: null } });
});

function schemaCheck(type: 'json' | 'json_schema', passed: boolean) {
  return { type, gate: true, passed, score: Number(passed), weight: 1, reason: 'as told' };
}

function canary(changes: Record<string, unknown> = {}): ExperimentOf<'canary'> {
  const parsed = parseExperiment({
    kind: 'canary',
    name: 'new-model',
    arms: [{ name: 'stable' }, { name: 'canary' }],
    guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
    hold: true,
    ...changes,
  });
  if ('errors' in parsed || parsed.experiment.kind !== 'canary') throw new Error(JSON.stringify(parsed));
  return parsed.experiment;
}

describe('a canary that holds its answers', () => {
  const of = (arm: string, latencyMs: number, limitMs: number | null): Outcome => ({
    job: 'job_1',
    arms: [{ experiment: 'new-model', arm, probability: 0.5 }],
    shadowOf: null,
    observation: { ...outcome(true), limitMs, metrics: { ...outcome(true).metrics, latency_ms: latencyMs } },
  });

  test('keeps a job until the stable arm needs the rest of its time, and for half of it at least', () => {
    const tallies = Array.from({ length: 20 }, () => of('stable', 10_000, null)).reduce<Tallies>(
      (sum, one) => addOutcome(sum, canary(), one),
      {},
    );
    const needsMs = rerunNeedsMs(canary(), tallies);
    expect(needsMs).toBeGreaterThanOrEqual(20_000);
    // A bucket of the histogram is 9 % wide.
    expect(needsMs).toBeLessThan(22_000);
    expect(canaryTimeMs(100_000, needsMs)).toBe(100_000 - needsMs);
    expect(canaryTimeMs(8000, needsMs)).toBe(4000);
    expect(rerunNeedsMs(canary(), {})).toBe(5000);
  });

  test('and its stable arm are measured by what they manage in that time', () => {
    const count = (document: ExperimentOf<'canary'>) =>
      [of('stable', 5000, 8000), of('stable', 3000, 8000), of('stable', 5000, null)].reduce<Tallies>(
        (sum, one) => addOutcome(sum, document, one),
        {},
      )['stable'];
    expect(count(canary())).toMatchObject({ jobs: 3, acceptedJobs: 2, guardrails: [{ count: 3, sum: 2 }] });
    expect(count(canary({ hold: false }))).toMatchObject({ jobs: 3, acceptedJobs: 3 });
  });
});

test('jobs that an arm gets because it was promoted are not compared with those of the others before', () => {
  const parsed = parseExperiment({
    kind: 'ab',
    name: 'prompts',
    metrics: ['pass_rate'],
    arms: [
      { name: 'plain', share: 0.5 },
      { name: 'changed', share: 0.5 },
    ],
  });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const { experiment } = parsed;
  const counted = (tallies: Tallies, shares: Record<string, number>, accepted: boolean, jobs: number) =>
    Array.from({ length: jobs }, (_, index) => assign('prompts', shares, `job_${index}`)!).reduce(
      (sum, arm) => addOutcome(sum, experiment, { job: 'job', arms: [arm], shadowOf: null, observation: outcome(accepted) }),
      tallies,
    );
  const before = counted({}, { plain: 0.5, changed: 0.5 }, true, 20);
  expect(before['plain']!.jobs + before['changed']!.jobs).toBe(20);
  const promoted = commandExperiment(experiment, newExperimentState(experiment, 0, NOON), 'promote', 'changed', NOON).state;
  expect(counted(before, sharesOf(experiment, promoted), false, 1000)).toEqual(before);
});

test('a shadow that follows every job is counted', () => {
  const parsed = parseExperiment({ kind: 'shadow', name: 'seen', arms: [{ name: 'candidate' }], share: 1, budget_usd: 1 });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const arms = [{ experiment: 'seen', arm: 'delivered', probability: 1 }];
  const tallies = addOutcome({}, parsed.experiment, { job: 'job_1', arms, shadowOf: null, observation: outcome(true) });
  expect(tallies['delivered']).toMatchObject({ jobs: 1, acceptedJobs: 1 });
});

test('a shadow counts no late failure: of a job that was passed over none could be, and of its candidate there is none', () => {
  const parsed = parseExperiment({ kind: 'shadow', name: 'seen', arms: [{ name: 'candidate' }], share: 1, budget_usd: 1 });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const arms = [{ experiment: 'seen', arm: 'delivered', probability: 1 }];
  const [ended, failedLate] = told(jobOf({ ...part, arms }), [...toTheEnd, lateFailure]);
  expect(addOutcome({}, parsed.experiment, failedLate!)).toEqual({});
  const counted = addOutcome({}, parsed.experiment, ended!);
  expect(counted['delivered']).toMatchObject({ jobs: 1, metrics: { pass_rate: { count: 1 } } });
  expect(counted['delivered']!.metrics).not.toHaveProperty('late_failure_rate');
  expect(addOutcome(counted, parsed.experiment, failedLate!)).toEqual(counted);
});

test('late failures never outnumber the jobs that were counted', () => {
  const fellBack = [classified(0.9), sent(1), failed(1, 'provider_error'), sent(2), answered(2), judged(2, 1), lateFailure];
  const outcomes = told(jobOf(part), fellBack);
  expect(outcomes).toHaveLength(1);
  const tallies = [...outcomes, ...told(jobOf(part), [...toTheEnd, lateFailure])].reduce<Tallies>(
    (sum, one) => addOutcome(sum, canary(), one),
    { stable: emptyArmTally(1) },
  );
  expect(tallies['canary']?.metrics.late_failure_rate).toMatchObject({ count: 1, sum: 1 });
  const arm = resultsOf(canary(), tallies).arms.find((one) => one.arm === 'canary');
  expect(arm?.metrics['late_failure_rate']).toMatchObject({ value: 1, jobs: 1 });
});
