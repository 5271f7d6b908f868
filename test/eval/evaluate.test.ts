import { draw } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { evaluate } from '../../services/cli/src/eval/evaluate.ts';
import { figuresOf } from '../../services/cli/src/eval/figures.ts';
import { aiqOf, hullCost, hullOf, moneyCurve, reaching } from '../../services/cli/src/eval/money.ts';
import type { Router } from '../../services/cli/src/eval/money.ts';
import type { Pair, PairQuestion } from '../../services/cli/src/eval/pairs.ts';
import { keptOf } from '../../services/cli/src/eval/promises.ts';
import { htmlOf } from '../../services/cli/src/eval/report-html.ts';
import { textOf } from '../../services/cli/src/eval/report-text.ts';
import { shippedForAll } from '../../services/cli/src/eval/unseen-weights.ts';

/** The weak model costs 1, the strong one 10; the extra answer costs 1. */
const question = (weak: number, strong: number, changes: Partial<PairQuestion> = {}): PairQuestion => ({
  id: 'ab12cd',
  prompt: 'How many are 2 and 3?',
  domain: null,
  weak,
  strong,
  weakUsd: 1,
  strongUsd: 10,
  answer: '2 + 3 = 5. The answer is 5.',
  others: [{ answer: '#### 5', usd: 1 }],
  ...changes,
});
const four = [question(0, 1), question(1, 1), question(0, 1), question(1, 1)];
const router = (changes: Partial<Router>): Router => ({
  track: 'baseline',
  name: 'mine',
  kind: 'prompt',
  scores: [4, 1, 3, 2],
  extra: 0,
  ...changes,
});

describe('what a router costs', () => {
  test('who sees only the prompt pays one of both models', () => {
    expect(moneyCurve(four, router({})).map(({ cost }) => cost)).toEqual([0.1, 0.325, 0.55, 0.775, 1]);
  });
  test('a cascade pays the cheap answer of every question', () => {
    expect(moneyCurve(four, router({ kind: 'cascade' })).map(({ cost }) => cost)).toEqual([0.1, 0.35, 0.6, 0.85, 1.1]);
  });
  test('and the further cheap answers', () => {
    expect(moneyCurve(four, router({ kind: 'cascade', extra: 1 }))[0]?.cost).toBe(0.2);
  });
  test('no threshold lies between equal scores', () => {
    expect(moneyCurve(four, router({ scores: [1, 0, 1, 0] })).map(({ strongShare }) => strongShare)).toEqual([0, 0.5, 1]);
  });
  test('the first point that is good enough is the cheapest', () => {
    const curve = moneyCurve(four, router({}));
    expect(reaching(curve, 1)).toMatchObject({ cost: 0.55, strongShare: 0.5 });
    expect(reaching(curve, 1.1)).toBeUndefined();
  });
});

describe('the figures of a router', () => {
  test('say what calls and dollars reach a share of the strong model, for each share its own', () => {
    // Each call of the strong model wins a question, up to all twenty.
    const figures = figuresOf(
      Array.from({ length: 20 }, () => question(0, 1)),
      router({ scores: Array.from({ length: 20 }, (_, index) => index) }),
    );
    const valueOf = (name: keyof typeof figures): number => figures[name].value!;
    expect([valueOf('cpt_50'), valueOf('cpt_80')]).toEqual([0.5, 0.8]);
    expect([valueOf('calls_95'), valueOf('calls_99'), valueOf('calls_100')]).toEqual([0.95, 1, 1]);
    expect([valueOf('dollars_95'), valueOf('dollars_99'), valueOf('dollars_100')]).toEqual([0.955, 1, 1]);
  });
  test('lie between bounds that hold 95 % of what other such questions would give', () => {
    const all = Array.from({ length: 400 }, (_, index) => question(index % 2, 1));
    const { calls_100: calls } = figuresOf(all, router({ scores: all.map(({ weak }) => -weak) }));
    // The share of 400 questions that the weak model has wrong: 0.5, give or take 1.96 × 0.025.
    expect(calls.value).toBe(0.5);
    expect(Math.abs(calls.low! - 0.451)).toBeLessThan(0.015);
    expect(Math.abs(calls.high! - 0.549)).toBeLessThan(0.015);
  });
});

test('a promise is kept by 94 % of the quality and more, and by 1.15 of its cost at most', () => {
  const promise = (quality: number, cost: number) => ({
    pair: 'a pair',
    router: 'mine',
    promised: { quality: 0.95, cost: 0.5 },
    delivered: { quality, cost },
  });
  const promises = [promise(0.94, 0.575), promise(0.939, 0.5), promise(1, 0.576), promise(0.96, 0.3)];
  expect(keptOf(promises)).toEqual({ promises: 4, quality: 0.75, cost: 0.75 });
  expect(keptOf([])).toEqual({ promises: 0, quality: 0, cost: 0 });
});

describe('the hull of single models', () => {
  const hull = hullOf([
    { cost: 1, quality: 0.9 },
    { cost: 0.1, quality: 0.5 },
    { cost: 0.5, quality: 0.6 },
    { cost: 0.4, quality: 0.8 },
    { cost: 0.9, quality: 0.4 },
  ]);
  test('leaves out what a mix of others does better', () => {
    expect(hull.map(({ cost }) => cost)).toEqual([0.1, 0.4, 1]);
  });
  test('costs in between what the mix costs', () => {
    expect(hullCost(hull, 0.65)).toBeCloseTo(0.25, 10);
    expect(hullCost(hull, 0.4)).toBe(0.1);
    expect(hullCost(hull, 0.95)).toBeUndefined();
  });
});

test('the average improvement in quality is the mean height of the hull between both models', () => {
  // From 0.5 at 0.1 to 1 at 0.55, and 1 on to 1.
  expect(aiqOf(four, moneyCurve(four, router({})))).toBeCloseTo((0.45 * 0.75 + 0.45) / 0.9, 10);
});

/** Half of the questions are wrong sums that only the strong model gets right. */
function examplePair(): Pair {
  const questions = Array.from({ length: 100 }, (_, index): PairQuestion => {
    const [one, other] = [index + 2, Math.floor(draw(0.3, index) * 90) + 10];
    const isRight = draw(0.7, index) < 0.5;
    const sum = isRight ? one + other : one + other + 7;
    return question(isRight ? 1 : 0, 1, {
      id: Math.floor(draw(0.9, index) * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
      prompt: `Tom has ${one} apples and buys ${other} more apples at the shop. How many apples does he have now?`,
      answer: `He has ${one} + ${other} = ${sum} apples.\n#### ${sum}`,
      others: [{ answer: `#### ${one + other}`, usd: 1 }],
      domain: index % 2 === 0 ? 'sums' : 'apples',
    });
  });
  const singles = [
    { model: 'small', cost: 0.1, quality: 0.5 },
    { model: 'large', cost: 1, quality: 1 },
  ];
  return { name: 'Sums <of apples>', weakModel: 'small', strongModel: 'large', otherModels: ['tiny'], questions, singles };
}

describe('an evaluation', () => {
  const evaluation = evaluate([examplePair()], shippedForAll, 'shipped', () => undefined);
  const apgrOf = (name: string) => evaluation.pairs[0]!.routers.find((one) => one.name === name)!.figures.apgr;

  test('has the baselines and the three tracks, each figure within its interval', () => {
    const { routers } = evaluation.pairs[0]!;
    expect(new Set(routers.map(({ track }) => track)).size).toBe(4);
    const outside = routers
      .flatMap(({ figures }) => Object.values(figures))
      .filter(({ value, low, high }) => value !== null && (value < (low ?? -Infinity) - 0.1 || value > (high ?? Infinity) + 0.1));
    expect(outside).toEqual([]);
  });
  test('finds that wrong sums are escalated first, and that agreement helps', () => {
    expect(apgrOf('random').value).toBeLessThan(0.6);
    // Half of the answers are wrong, so that no cascade has more than 0.75, but for the grain of eleven thresholds.
    expect(apgrOf('perfect verifier').value).toBeGreaterThan(0.7);
    expect(apgrOf('scorer').value).toBeGreaterThan(0.7);
    expect(apgrOf('scorer, 1 extra').value).toBeGreaterThan(0.7);
    expect(apgrOf('oracle').value).toBeGreaterThan(0.7);
  });
  test('mixes single models for what the hull costs', () => {
    // From 0.5 at a tenth to 1 at the whole price.
    const { dollars_95: most, dollars_99: nearly, dollars_100: all } = evaluation.pairs[0]!.hull;
    expect([most, nearly, all]).toEqual([expect.closeTo(0.91, 10), expect.closeTo(0.982, 10), 1]);
  });
  test('shows calibration as the score and the share that is right, from the poorest answers to the best', () => {
    const { calibration } = evaluation.pairs[0]!.routers.find(({ name }) => name === 'scorer')!;
    expect(calibration.map(({ score }) => score)).toEqual(calibration.map(({ score }) => score).toSorted((a, b) => a - b));
    expect(calibration[0]!.right).toBeLessThan(0.2);
    expect(calibration.at(-1)!.right).toBeGreaterThan(0.8);
  });
  test('says what thresholds set on one half then did on the other', () => {
    expect(evaluation.promises.length).toBeGreaterThan(0);
    expect(evaluation.kept).toEqual(keptOf(evaluation.promises));
    expect(evaluation.promises.some(({ promised, delivered }) => promised.cost !== delivered.cost)).toBe(true);
  });
  test('is a page that needs nothing from elsewhere', () => {
    const page = htmlOf(evaluation);
    expect(page).toContain('Sums &lt;of apples&gt;');
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).not.toMatch(/https?:|src=|@import|url\(|NaN|undefined/);
  });
  test('is a table, too', () => {
    const text = textOf(evaluation).join('\n');
    expect(text).toContain('scorer, 400 labels');
    expect(text).not.toMatch(/NaN|undefined/);
  });
  test('is the same each time', () => {
    expect(evaluate([examplePair()], shippedForAll, 'shipped', () => undefined)).toEqual(evaluation);
  });
});
