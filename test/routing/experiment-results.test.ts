import { parseExperiment } from '@upshift/contracts';
import type { ExperimentOf } from '@upshift/contracts';
import {
  addObservation,
  emptyAdaptive,
  emptyArmTally,
  evaluateAdaptive,
  resultsOf,
  tallyOf,
  unboundedDifferenceInterval,
  unboundedMeanInterval,
} from '@upshift/routing';
import type { ArmTally, Observation } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { outcome } from '../eval-experiments/outcome.ts';

function adaptive(): ExperimentOf<'adaptive'> {
  const parsed = parseExperiment({ kind: 'adaptive', name: 'tried', arms: [{ name: 'one' }, { name: 'two' }], floor: 0.1 });
  if ('errors' in parsed || parsed.experiment.kind !== 'adaptive') throw new Error(JSON.stringify(parsed));
  return parsed.experiment;
}

function ab(): ExperimentOf<'ab'> {
  const arms = [
    { name: 'plain', share: 0.5 },
    { name: 'changed', share: 0.5, overrides: { prompt_prefix: 'Think. ' } },
  ];
  const parsed = parseExperiment({ kind: 'ab', name: 'prompts', arms, metrics: ['pass_rate'] });
  if ('errors' in parsed || parsed.experiment.kind !== 'ab') throw new Error(JSON.stringify(parsed));
  return parsed.experiment;
}

/** Jobs of an arm: so many that passed, so many that did not, each with the probability with which it got the arm. */
function jobs(tally: ArmTally, passed: number, failed: number, probability: number): ArmTally {
  let sum = tally;
  for (let index = 0; index < passed + failed; index += 1)
    sum = addObservation(sum, adaptive(), outcome(index < passed), probability);
  return sum;
}

test('an adaptive experiment shows weighted estimates: of a time when all was harder an arm has more jobs, and is no worse for it', () => {
  const document = adaptive();
  const none = { one: emptyArmTally(0), two: emptyArmTally(0) };
  // Of 500 easy jobs both arms pass 90 %, of 500 hard ones 50 %; the first arm gets 80 % of the easy ones and 20 % of the hard ones.
  const easy = { one: jobs(none.one, 360, 40, 0.8), two: jobs(none.two, 90, 10, 0.2) };
  const hard = { one: jobs(easy.one, 50, 50, 0.2), two: jobs(easy.two, 200, 200, 0.8) };
  const state = [easy, hard].reduce((known, tallies) => evaluateAdaptive(document, known, tallies), emptyAdaptive(document, 0.5));
  const { arms, comparisons, words } = resultsOf(document, hard, { adaptive: state });
  expect(arms.map(({ metrics }) => metrics['pass_rate']?.value)).toEqual([expect.closeTo(0.7), expect.closeTo(0.7)]);
  expect(arms.map(({ metrics }) => metrics['pass_rate']?.jobs)).toEqual([500, 500]);
  expect(comparisons.find(({ metric }) => metric === 'pass_rate')).toMatchObject({ verdict: 'not proven' });
  expect(words.join(' ')).toContain('pass_rate is weighted by how probable each arm was');
  // Plain means are far apart, and would have been taken for a proof.
  const plain = resultsOf(document, hard);
  expect(plain.comparisons.find(({ metric }) => metric === 'pass_rate')).toMatchObject({ verdict: 'worse' });
});

test('a job without an answer of its arm earns an adaptive arm nothing', () => {
  const metrics = { ...outcome(true).metrics, score: 1 };
  const rewards = (observation: Observation) =>
    addObservation(emptyArmTally(0), { ...adaptive(), reward: 'score' }, observation, 1).rewards;
  expect(rewards({ ...outcome(true), metrics })).toMatchObject({ count: 1, sum: 1 });
  expect(rewards({ ...outcome(true), metrics, metFallback: true })).toMatchObject({ count: 1, sum: 0 });
  expect(rewards(outcome(false))).toMatchObject({ count: 1, sum: 0 });
});

test('a few costs prove nothing, however alike they are', () => {
  expect(unboundedMeanInterval(tallyOf(Array<number>(49).fill(1)), 0.05)).toEqual({ low: -Infinity, high: Infinity });
  const many = unboundedMeanInterval(tallyOf(Array.from({ length: 100 }, (_, index) => index % 2)), 0.05);
  expect(many.low).toBeGreaterThan(0);
  expect(many.high).toBeLessThan(1);
});

test('the same constant cost of two arms is never proven to differ by the rounding of its sums', () => {
  for (let nanoUsd = 1; nanoUsd < 100_000; nanoUsd = nanoUsd * 2 + 1) {
    const of = (count: number) => tallyOf(Array<number>(count).fill(nanoUsd / 1e9));
    for (const [stable, arm] of [
      [60, 400],
      [333, 77],
      [5000, 3000],
    ] as const) {
      const { low, high } = unboundedDifferenceInterval(of(stable), of(arm), 0.05);
      expect(low).toBeLessThanOrEqual(0);
      expect(high).toBeGreaterThanOrEqual(0);
      expect(high - low).toBeLessThan((nanoUsd / 1e9) * 1e-5);
    }
  }
});

test('results show every metric that was measured, and compare those that the document names', () => {
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
  const metrics = Object.fromEntries(Object.keys(outcome(true).metrics).map((name) => [name, 1])) as Observation['metrics'];
  const tally = addObservation(emptyArmTally(0), parsed.experiment, { ...outcome(true), metrics }, 0.5);
  const { arms, comparisons } = resultsOf(parsed.experiment, { plain: tally, changed: tally });
  expect(Object.keys(arms[0]!.metrics)).toEqual(Object.keys(metrics));
  expect(arms[0]).toMatchObject({ cost_usd: 1, cost_unknown_jobs: 0, cost_per_accepted_usd: 1, accepted_jobs: 1 });
  expect([arms[0]!.latency_p50_ms?.value, arms[0]!.latency_p95_ms?.value]).toEqual([1, 1]);
  expect(comparisons.map(({ metric }) => metric)).toEqual(['pass_rate']);
});

test('what a blind judge preferred is said, and only called a preference where it is proven', () => {
  const parsed = parseExperiment({
    kind: 'shadow',
    name: 'seen',
    share: 1,
    budget_usd: 1,
    judge: { rubric: 'Which is shorter?' },
    arms: [{ name: 'candidate' }],
  });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const words = (candidate: number, delivered: number) =>
    resultsOf(parsed.experiment, {}, { preferences: { candidate, delivered, same: 3 } }).words.at(-1);
  expect(words(60, 55)).toBe(
    'The judge, blind, found the candidate better 60 times, what was delivered 55 times, neither 3 times: neither is proven to be preferred.',
  );
  expect(words(90, 20)).toMatch(/: the candidate is preferred\.$/);
  expect(words(20, 90)).toMatch(/: what was delivered is preferred\.$/);
});

describe('results', () => {
  const experiment = ab();
  const tallied = (passed: number, failed: number): ArmTally => {
    let tally = emptyArmTally(0);
    for (let index = 0; index < passed + failed; index += 1)
      tally = addObservation(tally, experiment, outcome(index < passed), 0.5);
    return tally;
  };

  test('say that nothing can be concluded before both arms have jobs', () => {
    expect(resultsOf(experiment, { plain: tallied(3, 1) }).words).toEqual([
      'Nothing can be concluded: two arms need judged jobs first.',
    ]);
  });

  test('name the better arm where the interval leaves out 0', () => {
    const { comparisons } = resultsOf(experiment, { plain: tallied(700, 300), changed: tallied(850, 150) });
    expect(comparisons).toMatchObject([{ arm: 'changed', with: 'plain', verdict: 'better' }]);
  });

  test('say how many more jobs it would take where it does not', () => {
    const { words } = resultsOf(experiment, { plain: tallied(70, 30), changed: tallied(78, 22) });
    expect(words[0]).toMatch(/no difference is proven; if it stays as it is, about \d+ more jobs will prove it$/);
  });

  test('count jobs that met a fallback apart, and warn where the arms differ in them', () => {
    const met = addObservation(tallied(9, 0), experiment, { ...outcome(true), metFallback: true }, 0.5);
    const { arms, words } = resultsOf(experiment, { plain: tallied(10, 0), changed: met });
    expect(arms[1]).toMatchObject({ jobs: 10, fallback_jobs: 1, metrics: { pass_rate: { jobs: 9 } } });
    expect(words.at(-1)).toContain('10 % of changed. The arms differ in that');
  });
});
