import { draw } from '../draw.ts';
import type { WeightedSums } from './arm-tally.ts';
import type { Tally } from './tally.ts';

/** Draws of all arms' means: the shares are then right within about 2 %. */
const ROUNDS = 1000;

/**
 * The share of each arm: how probable it is the best one, drawn from Beta posteriors of rewards in [0, 1], with a floor, so that
 * every arm is seen on and estimates stay possible.
 */
export function thompsonShares(rewards: Record<string, Tally>, floor: number, seed: number): Record<string, number> {
  const arms = Object.entries(rewards);
  const wins = new Map(arms.map(([name]) => [name, 0]));
  const random = drawsOf(seed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const drawn = arms.map(([name, { count, sum }]) => ({ name, mean: drawBeta(sum + 1, count - sum + 1, random) }));
    const best = drawn.reduce((one, other) => (other.mean > one.mean ? other : one));
    wins.set(best.name, wins.get(best.name)! + 1);
  }
  const free = 1 - floor * arms.length;
  return Object.fromEntries(arms.map(([name]) => [name, floor + (free * wins.get(name)!) / ROUNDS]));
}

/** What is known of an arm's mean reward from jobs that it got with changing probabilities. Plain data. */
export interface WeightedEstimate {
  /** Jobs of all arms. */
  jobs: number;
  sum: number;
  squares: number;
}

export const emptyEstimate: WeightedEstimate = { jobs: 0, sum: 0, squares: 0 };

/**
 * The estimate after `jobs` more jobs of all arms, of which `sums` are those of this one. Each job of the experiment adds
 * guess + [it got this arm] · (reward − guess) / probability, whose mean is that of the arm whatever the guess, as long as the guess
 * was made before (augmented inverse propensity weighting).
 */
export function addToEstimate(estimate: WeightedEstimate, guess: number, jobs: number, sums: WeightedSums): WeightedEstimate {
  const corrections = sums.wy - guess * sums.w;
  const squaredCorrections = sums.wwyy - 2 * guess * sums.wwy + guess ** 2 * sums.ww;
  return {
    jobs: estimate.jobs + jobs,
    sum: estimate.sum + jobs * guess + corrections,
    squares: estimate.squares + jobs * guess ** 2 + 2 * guess * corrections + squaredCorrections,
  };
}

export function sumsSince(later: WeightedSums, earlier: WeightedSums): WeightedSums {
  return {
    w: later.w - earlier.w,
    wy: later.wy - earlier.wy,
    ww: later.ww - earlier.ww,
    wwy: later.wwy - earlier.wwy,
    wwyy: later.wwyy - earlier.wwyy,
  };
}

type Random = () => number;

function drawsOf(seed: number): Random {
  let index = 0;
  return () => draw(seed, index++);
}

function drawBeta(successes: number, failures: number, random: Random): number {
  const one = drawGamma(successes, random);
  return one / (one + drawGamma(failures, random));
}

/** Marsaglia and Tsang (2000), for shapes from 1. */
function drawGamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = drawNormal(random);
    const cube = (1 + c * normal) ** 3;
    if (cube > 0 && Math.log(1 - random()) < 0.5 * normal ** 2 + d - d * cube + d * Math.log(cube)) return d * cube;
  }
}

/** Box and Muller. */
function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
