import { emptyTally, plus } from './tally.ts';
import type { Tally } from './tally.ts';

/**
 * A bet against "the arm keeps its bound", where the bound is a line over the stable arm's mean: `offset + slope · stable`.
 * Under the hypothesis the wealth is expected never to grow, whatever the share of the arm and however often one looks, so that
 * it reaches 1/α with probability α at most (Ville). For values in [0, 1].
 *
 * Each block of outcomes is bet on with the ratio of two likelihoods: of an alternative, and of the point of the hypothesis
 * that is nearest to it (Turner, Ly, Grünwald: Generic E-variables for exact sequential k-sample tests, 2024). For values
 * between 0 and 1 the ratio is convex in the value, so that the bound holds for them too.
 */
export interface Bound {
  /** `below`: the harm is an arm that lies below the line. */
  harm: 'below' | 'above';
  offset: number;
  slope: number;
}

/** Plain data, to be stored. One wealth per alternative: their mean is the wealth of the mixture. */
export interface EProcess {
  logWealths: number[];
  /** What has been bet on, and trains the next bet. */
  stable: Tally;
  arm: Tally;
  /** What waits for outcomes of the other arm. */
  stableWaiting: Tally;
  armWaiting: Tally;
  /** The largest logarithm of the wealth so far: once enough is enough. */
  peak: number;
}

/** How far beyond the bound an alternative lies, in log-odds, and its part of the stake: from 0.90, 0.8 is a drop to 0.80. */
const alternatives = [
  { shift: 0.25, stake: 0.1 },
  { shift: 0.5, stake: 0.25 },
  { shift: 0.8, stake: 0.3 },
  { shift: 1.2, stake: 0.15 },
  { shift: 2, stake: 0.1 },
  { shift: 3.5, stake: 0.1 },
];

/** Means of the stable arm that are tried before anything is known of it. */
const firstLevels = [0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99];

/** The least distance of a mean from 0 and 1: there likelihoods end. */
const EDGE = 1e-6;
/** Halvings to find the nearest point: 2^-40 is nearer than counts can tell. */
const HALVINGS = 40;

export function newEProcess(): EProcess {
  return {
    logWealths: alternatives.map(() => 0),
    stable: emptyTally,
    arm: emptyTally,
    stableWaiting: emptyTally,
    armWaiting: emptyTally,
    peak: 0,
  };
}

/** The process after more outcomes of both arms. Which outcomes come together must not depend on what they are. */
export function observe(bet: EProcess, bound: Bound, stable: Tally, arm: Tally): EProcess {
  const stableWaiting = plus(bet.stableWaiting, stable);
  const armWaiting = plus(bet.armWaiting, arm);
  if (stableWaiting.count === 0 || armWaiting.count === 0) return { ...bet, stableWaiting, armWaiting };
  const levels = bet.stable.count === 0 ? firstLevels : [within((bet.stable.sum + 0.5) / (bet.stable.count + 1))];
  const logWealths = bet.logWealths.map((wealth, index) => {
    const ratios = levels.map((level) => logRatio(bound, level, alternatives[index]!.shift, stableWaiting, armWaiting));
    return wealth + logSum(ratios) - Math.log(levels.length);
  });
  return {
    logWealths,
    stable: plus(bet.stable, stableWaiting),
    arm: plus(bet.arm, armWaiting),
    stableWaiting: emptyTally,
    armWaiting: emptyTally,
    peak: Math.max(bet.peak, logMixture(logWealths)),
  };
}

/** Whether the hypothesis is rejected at a level. */
export function isRejected(bet: EProcess, alpha: number): boolean {
  return bet.peak >= -Math.log(alpha);
}

function logMixture(logWealths: number[]): number {
  return logSum(logWealths.map((wealth, index) => wealth + Math.log(alternatives[index]!.stake)));
}

/** The logarithm of the sum of what these are the logarithms of. */
function logSum(values: number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

function logRatio(bound: Bound, level: number, shift: number, stable: Tally, arm: Tally): number {
  const line = bound.offset + bound.slope * level;
  const below = bound.harm === 'below';
  const beyond = within(logistic(logit(within(line)) + (below ? -shift : shift)));
  // Near 0 and 1 there may be no room beyond the line: nothing to bet on.
  if (below ? beyond >= line : beyond <= line) return 0;
  const near = nearestPoint(bound, level, beyond, stable.count, arm.count);
  if (near === null) return 0;
  return logLikelihoodRatio(stable, level, near.stable) + logLikelihoodRatio(arm, beyond, near.arm);
}

/** The point of the line from which the alternative differs least, for so many outcomes of each arm. */
function nearestPoint(
  bound: Bound,
  stable: number,
  arm: number,
  stableCount: number,
  armCount: number,
): { stable: number; arm: number } | null {
  const { offset, slope } = bound;
  let low = Math.max(EDGE, (EDGE - offset) / slope);
  let high = Math.min(1 - EDGE, (1 - EDGE - offset) / slope);
  if (!(low < high)) return null;
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    const onLine = offset + slope * middle;
    const climb =
      (stableCount * (middle - stable)) / (middle * (1 - middle)) + (armCount * slope * (onLine - arm)) / (onLine * (1 - onLine));
    if (climb > 0) high = middle;
    else low = middle;
  }
  const middle = (low + high) / 2;
  return { stable: middle, arm: offset + slope * middle };
}

function logLikelihoodRatio({ count, sum }: Tally, one: number, other: number): number {
  return sum * Math.log(one / other) + (count - sum) * Math.log((1 - one) / (1 - other));
}

function logit(value: number): number {
  return Math.log(value / (1 - value));
}

function logistic(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function within(value: number): number {
  return Math.min(1 - EDGE, Math.max(EDGE, value));
}
