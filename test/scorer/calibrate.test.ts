import fc from 'fast-check';
import { calibrate, calibrateThresholds, draw, factsOfAnswer, scoreAnswer } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { fitThresholds, deliveredBy } from '../../packages/routing/src/scorer/fit-thresholds.ts';
import { fitProfile } from '../../packages/routing/src/scorer/fit-profile.ts';
import { solve } from '../../packages/routing/src/scorer/solve.ts';
import { exampleLabels } from './example-labels.ts';

describe('a profile', () => {
  const labels = exampleLabels(60, ['economy']);
  const calibrated = calibrate(labels);

  test('is better on labels that it has not seen, and the same for the same labels', () => {
    expect(calibrated).toMatchObject({ labels: 60, isBetter: true });
    expect(calibrated.fitted.logLoss).toBeLessThan(calibrated.before.logLoss);
    expect(Math.abs(calibrated.fitted.bias)).toBeLessThan(0.05);
    expect(JSON.stringify(calibrate(labels))).toBe(JSON.stringify(calibrated));
  });
  test('that is in force stays where the labels teach nothing that is better, also where it comes of these very labels', () => {
    const byChance = labels.map((label, index) => ({ ...label, ok: draw(0.5, index) < 0.7 }));
    const inForce = { ...calibrate(byChance).profile, features: {} };
    const again = calibrate(byChance, inForce);
    expect(again).toMatchObject({ isBetter: false, profile: inForce });
    expect(again.before.logLoss).toBeLessThan(calibrate(byChance).before.logLoss);

    const { profile, heldOut, fitted } = calibrated;
    expect(calibrate(labels, profile)).toMatchObject({ isBetter: false, profile, heldOut, before: fitted });
  });
  test('moves what the scorer says towards what the labels say', () => {
    const wrong = labels.find(({ ok }) => !ok)!;
    const byProfile = scoreAnswer(wrong.prompt, wrong.answer, [], calibrated.profile).score;
    expect(byProfile).toBeLessThan(scoreAnswer(wrong.prompt, wrong.answer).score);
  });
  test('of labels that contradict each other says that nothing is known', () => {
    const same = labels.map((label, index) => ({
      ...label,
      prompt: 'What is 2 and 3?',
      answer: 'The answer is 5.',
      ok: index % 2 === 0,
    }));
    const { profile, fitted } = calibrate(same);
    expect(scoreAnswer('What is 2 and 3?', 'The answer is 5.', [], profile).score).toBeCloseTo(0.5, 1);
    expect(fitted.logLoss).toBeCloseTo(Math.LN2, 1);
  });
  const assuming = labels.map((label, index) => ({
    ...label,
    answer: index % 2 === 0 ? label.answer : `Let's say that none is lost. ${label.answer}`,
    ok: index % 2 === 0,
  }));
  test('of labels that say nothing of any sign hardly touches the order of answers', () => {
    const byChance = labels.map(({ prompt, answer }, index) => ({
      facts: factsOfAnswer(prompt, answer),
      ok: draw(0.5, index) < 0.7,
    }));
    const most = Math.max(...Object.values(fitProfile(byChance).features).map(Math.abs));
    expect(most).toBeLessThan(Math.abs(calibrate(assuming).profile.features['assumes']!) / 4);
  });
  test('of labels that all speak against a sign changes the order', () => {
    const { profile } = calibrate(assuming);
    expect(profile.features['assumes']).toBeLessThan(0);
    const [plain, assumes] = [2, 3].map(
      (index) => scoreAnswer(assuming[index]!.prompt, assuming[index]!.answer, [], profile).score,
    );
    expect(assumes).toBeLessThan(plain! / 2);
  });
  test('lets no sign that is rare in training drown all others', () => {
    const [{ prompt, answer }] = labels as [(typeof labels)[number]];
    const refusing = `I'm sorry, as an AI I cannot be sure. ${answer}`;
    const by = (weight: number): number =>
      scoreAnswer(prompt, refusing, [], { intercept: 0, slope: 1, features: { refuses: weight } }).score;
    expect(by(-0.1)).toBeLessThan(by(0));
    expect(logOdds(by(0)) - logOdds(by(-0.1))).toBeLessThan(0.5);
  });
  test('can not be made of labels that are all the same', () => {
    expect(() => calibrate(labels.map((label) => ({ ...label, ok: true })))).toThrow(/all labels are the same/);
    expect(() => calibrate(labels.map((label, index) => ({ ...label, ok: index !== 3 })))).toThrow(/too few good or too few bad/);
  });
});

function logOdds(probability: number): number {
  return Math.log(probability / (1 - probability));
}

describe('thresholds', () => {
  const question = fc.record({
    complexity: fc.double({ min: 0, max: 1, noNaN: true }),
    answers: fc.tuple(
      ...[1, 10, 100].map((costUsd) =>
        fc.record({ ok: fc.boolean(), score: fc.double({ min: 0, max: 1, noNaN: true }), costUsd: fc.constant(costUsd) }),
      ),
    ),
  });

  test('are within the promise on the questions that they were made from, and never dearer than asking every tier', () => {
    fc.assert(
      fc.property(
        fc.array(question, { minLength: 5, maxLength: 60 }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        (questions, target) => {
          const found = fitThresholds(questions, target);
          if (found === null) return;
          expect(deliveredBy(questions, found)).toEqual({ quality: found.quality, cost: found.cost });
          expect(found.quality).toBeGreaterThanOrEqual(target - 1e-9);
          expect(found.cost).toBeLessThanOrEqual(1.11 + 1e-9);
          expect(found.startAt).toEqual(found.startAt.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });
  test('use the cheap answers that the scorer knows to be good', () => {
    const labels = exampleLabels(300);
    const scores = labels.map(({ tier, ok }) => (tier === 'premium' ? 1 : ok ? 0.9 : 0.2));
    const costs: Record<string, number> = { economy: 1, standard: 10, premium: 100 };
    const ladder = {
      tiers: ['economy', 'standard', 'premium'],
      complexityOf: () => 0.5,
      costUsdOf: (tier: string) => costs[tier]!,
    };
    const { questions, thresholds } = calibrateThresholds(labels, scores, ladder, 0.99);
    expect(questions).toBe(300);
    expect(thresholds).toMatchObject({ acceptAt: [0.9, 0.9], quality: 1 });
    // Each question pays the cheap tier, a third the middle one, a ninth the top one.
    expect(thresholds!.cost).toBeCloseTo((300 + 100 * 10 + 34 * 100) / 30_000, 10);
    expect(thresholds!.qualityWithin).toEqual([1, 1]);
  });
  test.each([0.5, 0.9, 0.97, 0.99])(
    'for a share of %s are promised by as many labels as can say so, and by no handful',
    (target) => {
      const allRight = { complexity: 0.5, answers: [1, 20].map((costUsd) => ({ ok: true, score: 0.9, costUsd })) };
      const isPromised = (count: number): boolean =>
        fitThresholds(
          Array.from({ length: count }, () => allRight),
          target,
        ) !== null;
      // Of fewer, all are right by luck more often than once in ten times where the share is just missed.
      const fewest = Math.ceil(Math.log(0.1) / Math.log(target));
      expect(isPromised(fewest - 1)).toBe(false);
      expect(isPromised(2 * fewest)).toBe(true);
    },
  );
  test('are found for more tiers than anybody has, too', () => {
    const questions = Array.from({ length: 100 }, (_, index) => ({
      complexity: draw(0.1, index),
      answers: Array.from({ length: 8 }, (_tier, tier) => ({
        ok: draw((tier + 0.5) / 20, index) < 0.9,
        score: draw((tier + 0.2) / 33, index),
        costUsd: 3 ** tier,
      })),
    }));
    expect(fitThresholds(questions, 0.8)).toMatchObject({ startAt: { length: 7 }, acceptAt: { length: 7 } });
  });
  test('are not promised where the top tier has no right answer to compare with', () => {
    const allWrong = { complexity: 0.5, answers: [1, 20].map((costUsd) => ({ ok: false, score: 0.1, costUsd })) };
    expect(
      fitThresholds(
        Array.from({ length: 500 }, () => allWrong),
        0.9,
      ),
    ).toBeNull();
  });
});

test('a system of equations is solved', () => {
  expect(
    solve(
      [
        [4, 2],
        [2, 3],
      ],
      [2, 5],
    ).map((value) => Math.round(value * 1e9) / 1e9),
  ).toEqual([-0.5, 2]);
});
