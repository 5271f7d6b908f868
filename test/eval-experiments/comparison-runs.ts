import { differs, emptyTally, plus } from '@upshift/routing';

import { randomOf } from './random.ts';

/** Jobs of both arms in a run of A against A. */
const JOBS = 1000;
const PASS_RATE = 0.9;

/** The part of A/A tests with equal shares in which an interval that is looked at after every job ever leaves out 0. */
export function falseDifferences(runs: number, told: (done: number, of: number) => void): number {
  let found = 0;
  for (let run = 0; run < runs; run += 1) {
    found += Number(everDiffers(randomOf(run * 104_729 + 7)));
    told(run + 1, runs);
  }
  return found / runs;
}

function everDiffers(random: () => number): boolean {
  const arms = [emptyTally, emptyTally];
  for (let job = 0; job < JOBS; job += 1) {
    const arm = Number(random() < 0.5);
    const value = Number(random() < PASS_RATE);
    arms[arm] = plus(arms[arm]!, { count: 1, sum: value, squares: value });
    if (differs(arms[0]!, arms[1]!, 0.05)) return true;
  }
  return false;
}
