import { logBeta } from './log-gamma.ts';
import type { Tally } from './tally.ts';

/** An interval that holds at all times at once with probability 1 − α: it may be looked at all day. */
export interface Interval {
  low: number;
  high: number;
}

/** Halvings to find an end: 2^-30. */
const HALVINGS = 30;
/** The number of values at which the intervals of unbounded means are tightest. */
const TUNED_FOR = 1000;

/**
 * The interval of a mean of values in [0, 1]: all means against which a bet on a Beta(½, ½) mixture has not won 1/α. Exact for rates;
 * for values between 0 and 1 it is wider than it must be.
 */
export function meanInterval(tally: Tally, alpha: number): Interval {
  if (tally.count === 0) return { low: 0, high: 1 };
  const limit = logMixture(tally) + Math.log(alpha);
  const at = tally.sum / tally.count;
  const holds = (mean: number): boolean => logLikelihood(tally, mean) >= limit;
  return { low: lastThatHolds(at, 0, holds), high: lastThatHolds(at, 1, holds) };
}

/** The interval of `arm` − `stable`, both means of values in [0, 1], whatever the numbers of values of each. */
export function differenceInterval(stable: Tally, arm: Tally, alpha: number): Interval {
  if (stable.count === 0 || arm.count === 0) return { low: -1, high: 1 };
  const limit = logMixture(stable) + logMixture(arm) + Math.log(alpha);
  const at = arm.sum / arm.count - stable.sum / stable.count;
  const holds = (difference: number): boolean => bestLikelihood(stable, arm, difference) >= limit;
  return { low: lastThatHolds(at, -1, holds), high: lastThatHolds(at, 1, holds) };
}

/** Whether the interval of the difference leaves out 0, which is quicker to say than the interval. */
export function differs(stable: Tally, arm: Tally, alpha: number): boolean {
  if (stable.count === 0 || arm.count === 0) return false;
  return bestLikelihood(stable, arm, 0) < logMixture(stable) + logMixture(arm) + Math.log(alpha);
}

/** Fewer values say too little of their variance: two that are equal by chance would prove anything. */
const FEWEST = 50;

/** The interval of a mean of values without a bound, by their variance: holds for many values (asymptotic), infinite for few. */
export function unboundedMeanInterval({ count, sum, squares }: Tally, alpha: number): Interval {
  if (count < FEWEST) return { low: -Infinity, high: Infinity };
  const mean = sum / count;
  // Sums of so many values are off by so much: equal costs would else be proven to differ.
  const rounding = count * Number.EPSILON * mean * mean;
  const half = Math.sqrt(Math.max(0, squares / count - mean * mean) + rounding) * unitHalfWidth(count, alpha);
  return { low: mean - half, high: mean + half };
}

/** The interval of `arm` − `stable` for means without a bound. */
export function unboundedDifferenceInterval(stable: Tally, arm: Tally, alpha: number): Interval {
  const one = unboundedMeanInterval(stable, alpha / 2);
  const other = unboundedMeanInterval(arm, alpha / 2);
  return { low: other.low - one.high, high: other.high - one.low };
}

/** The interval of a quantile: all values of which the part of values at or below them may be `quantile`. */
export function quantileInterval(buckets: { upTo: number; count: number }[], quantile: number, alpha: number): Interval {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  let below = 0;
  let low = 0;
  for (const bucket of buckets) {
    below += bucket.count;
    const share = meanInterval({ count, sum: below, squares: below }, alpha);
    if (share.high < quantile) low = bucket.upTo;
    if (share.low > quantile) return { low, high: bucket.upTo };
  }
  return { low, high: Infinity };
}

/** Robbins' normal mixture for values of variance 1 (Waudby-Smith et al.: Time-uniform central limit theory, 2024). */
function unitHalfWidth(count: number, alpha: number): number {
  const rho = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha)) + 1) / TUNED_FOR;
  const grown = count * rho + 1;
  return Math.sqrt(((2 * grown) / (count * count * rho)) * Math.log(Math.sqrt(grown) / alpha));
}

function logMixture({ count, sum }: Tally): number {
  return logBeta(sum + 0.5, count - sum + 0.5) - logBeta(0.5, 0.5);
}

function logLikelihood({ count, sum }: Tally, mean: number): number {
  return times(sum, Math.log(mean)) + times(count - sum, Math.log(1 - mean));
}

/** The highest likelihood of two means that differ by so much: it is concave along the line. */
function bestLikelihood(stable: Tally, arm: Tally, difference: number): number {
  let low = Math.max(0, -difference);
  let high = Math.min(1, 1 - difference);
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (climb(stable, middle) + climb(arm, middle + difference) > 0) low = middle;
    else high = middle;
  }
  const middle = (low + high) / 2;
  return logLikelihood(stable, middle) + logLikelihood(arm, middle + difference);
}

function climb({ count, sum }: Tally, mean: number): number {
  return times(sum, 1 / mean) - times(count - sum, 1 / (1 - mean));
}

/** Nothing times infinity is nothing here: 0 of 0 values. */
function times(count: number, value: number): number {
  return count <= 0 ? 0 : count * value;
}

/** From a value that holds towards an end that may not: the last that does. */
function lastThatHolds(from: number, to: number, holds: (value: number) => boolean): number {
  if (holds(to)) return to;
  let [inside, outside] = [from, to];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (inside + outside) / 2;
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}
