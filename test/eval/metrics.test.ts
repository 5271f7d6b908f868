import { describe, expect, test } from 'vitest';

import { apgrOf, cptOf, curveOf, interpolate, quantile } from '../../services/cli/src/eval/metrics.ts';

/** Ten questions: the weak model is right on the first five, the strong one on all but the last. */
const scored = (scores: number[]) =>
  scores.map((score, index) => ({ weak: index < 5 ? 1 : 0, strong: index < 9 ? 1 : 0, score }));
const rising = scored([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
const falling = scored([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);

describe('the curve of a router', () => {
  test('has eleven points, from all calls to the weak model to all to the strong one', () => {
    const curve = curveOf(rising);
    expect(curve.map(({ strongShare }) => strongShare)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(curve.map(({ accuracy }) => accuracy)).toEqual([0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]);
  });
  test('sends equal scores the same way', () => {
    expect(new Set(curveOf(scored(Array.from({ length: 10 }, () => 1))).map(({ strongShare }) => strongShare))).toEqual(
      new Set([0, 1]),
    );
  });
});

describe('APGR', () => {
  test('is the area under the curve between the two models', () => {
    // By trapezoids: 0.05 + 0.055 + 0.065 + 0.075 + 0.085 + 5 × 0.09 = 0.78, of 0.5 to 0.9.
    expect(apgrOf(rising)).toBeCloseTo((0.78 - 0.5) / 0.4, 10);
  });
  test('is far below a coin for a router that has it backwards', () => {
    // 0.5 up to half of the calls, then 0.6 … 0.9, 0.9.
    expect(apgrOf(falling)).toBeCloseTo((0.05 * 5 + 0.055 + 0.065 + 0.075 + 0.085 + 0.09 - 0.5) / 0.4, 10);
  });
  test('is one half where every prompt has the same score', () => {
    expect(apgrOf(scored(Array.from({ length: 10 }, () => 1)))).toBeCloseTo(0.5, 10);
  });
});

describe('CPT', () => {
  test('is the share of strong calls that recovers a share of the gap', () => {
    expect(cptOf(rising, 0.5)).toBeCloseTo(0.3, 10);
    expect(cptOf(rising, 0.8)).toBeCloseTo(0.42, 10);
  });
});

describe('numpy’s functions', () => {
  test('a quantile lies between its neighbours', () => {
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([5], 0.3)).toBe(5);
  });
  // Expected values are those of numpy 2.4.
  test.each([
    [2, [1, 2, 3], [10, 20, 30], 20],
    [0, [1, 2, 3], [10, 20, 30], 10],
    [9, [1, 2, 3], [10, 20, 30], 30],
    [1.5, [1, 2, 3], [10, 20, 40], 15],
    [0.5, [0.4, 0.3, 0.6, 0.5, 0.9], [0, 1, 2, 3, 4], 5 / 3],
    [0.5, [0.3, 0.1, 0.2, 0.4, 0.1, 0.4, 0.8, 0.3, 0.9, 0.8, 0.8], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5.25],
    [0.5, [0.4, 0.1, 0.2, 0.7, 0.4, 0.2, 0.9, 0.4, 0.8, 0.1, 0.6], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2.6],
    [0.65, [0.2, 0.5, 0.3, 0.3, 0.8, 0.5, 0.9, 0.5, 0.6, 0.9, 0.9], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3.7],
  ])('interpolation of %d between %j', (x, xs, ys, expected) => {
    expect(interpolate(x, xs, ys)).toBeCloseTo(expected, 10);
  });
});
