import { expect, test } from 'vitest';

import { fitLogistic, logLoss } from '../../packages/routing/src/training/logistic.ts';
import type { Observation } from '../../packages/routing/src/training/logistic.ts';

const prior = { start: [0, 1], holds: [0.1, 5] };

function lossAt(observations: Observation[], at: number[]): number {
  const strayed = at.reduce((sum, value, index) => sum + (prior.holds[index]! * (value - prior.start[index]!) ** 2) / 2, 0);
  return observations.reduce((sum, one) => sum + logLoss(one, at), strayed);
}

test.each([0.5, 1, 2, 3, 5, 10])(
  'what was foretold with log-odds of %d and is as often wrong as right is fitted to the optimum',
  (sure) => {
    const observations = Array.from({ length: 60 }, (_, index) => ({
      inputs: [1, index % 3 === 0 ? -sure / 4 : sure],
      ok: index % 2,
    }));
    const fitted = fitLogistic(observations, prior);
    const least = lossAt(observations, fitted);
    for (const [intercept, slope] of [
      [0.01, 0],
      [-0.01, 0],
      [0, 0.01],
      [0, -0.01],
    ] as const)
      expect(lossAt(observations, [fitted[0]! + intercept, fitted[1]! + slope])).toBeGreaterThan(least);
  },
);
