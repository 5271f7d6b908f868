import { differs, emptyTally, plus, unboundedDifferenceInterval } from '@upshift/routing';
import type { Tally } from '@upshift/routing';

import { randomOf } from './random.ts';

/** Jobs of both arms in a run of A against A. */
const JOBS = 1000;
const PASS_RATE = 0.9;
const ALPHA = 0.05;

type Random = () => number;

/** What is compared: what a job draws, and whether two tallies differ. */
interface Compared {
  draw: (random: Random) => number;
  differ: (one: Tally, other: Tally) => boolean;
}

const passRates: Compared = {
  draw: (random) => Number(random() < PASS_RATE),
  differ: (one, other) => differs(one, other, ALPHA),
};

/** Costs are skewed: log-normal with σ 1, whose mean is 1.6 times the median. */
const costs: Compared = {
  draw: (random) => Math.exp(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())),
  differ: (one, other) => {
    const { low, high } = unboundedDifferenceInterval(one, other, ALPHA);
    return low > 0 || high < 0;
  },
};

/** The parts of A/A tests with equal shares in which an interval that is looked at after every job ever leaves out 0. */
export function falseDifferences(runs: number, told: (done: number, of: number) => void): { passRate: number; cost: number } {
  const found = { passRate: 0, cost: 0 };
  for (let run = 0; run < runs; run += 1) {
    found.passRate += Number(everDiffers(passRates, randomOf(run * 104_729 + 7)));
    found.cost += Number(everDiffers(costs, randomOf(run * 15_485_863 + 11)));
    told(run + 1, runs);
  }
  return { passRate: found.passRate / runs, cost: found.cost / runs };
}

function everDiffers({ draw, differ }: Compared, random: Random): boolean {
  const arms = [emptyTally, emptyTally];
  for (let job = 0; job < JOBS; job += 1) {
    const arm = Number(random() < 0.5);
    const value = draw(random);
    arms[arm] = plus(arms[arm]!, { count: 1, sum: value, squares: value * value });
    if (differ(arms[0]!, arms[1]!)) return true;
  }
  return false;
}
