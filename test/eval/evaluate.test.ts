import { draw } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { evaluate } from '../../services/cli/src/eval/evaluate.ts';
import { aiqOf, hullCost, hullOf, moneyCurve, reaching } from '../../services/cli/src/eval/money.ts';
import type { Router } from '../../services/cli/src/eval/money.ts';
import type { Pair, PairQuestion } from '../../services/cli/src/eval/pairs.ts';
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
  });
  test('says what thresholds set on one half then did on the other', () => {
    expect(evaluation.promises.length).toBeGreaterThan(0);
    expect(evaluation.kept.quality).toBeGreaterThan(0.5);
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
