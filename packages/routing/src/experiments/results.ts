import { DELIVERED, experimentMetrics } from '@upshift/contracts';
import type { ArmComparison, ArmResults, EstimateView, Experiment, MetricName } from '@upshift/contracts';

import {
  differenceInterval,
  differs,
  meanInterval,
  quantileInterval,
  unboundedDifferenceInterval,
  unboundedMeanInterval,
} from './confidence-sequence.ts';
import type { Interval } from './confidence-sequence.ts';
import { latencyBuckets } from './observation.ts';
import type { ArmTally } from './observation.ts';
import { meanOf } from './tally.ts';
import type { Tally } from './tally.ts';

export interface ExperimentResults {
  arms: ArmResults[];
  comparisons: ArmComparison[];
  /** What can be concluded and what can not. */
  words: string[];
}

/** The furthest that is looked ahead: so many times the jobs of now. */
const FURTHEST = 10_000;
/** Shares of fallbacks that differ by more make the rest hard to compare. */
const FALLBACKS_DIFFER = 0.02;

/** All that the tallies of an experiment say, arm by arm and each arm beside the first. */
export function resultsOf(experiment: Experiment, tallies: Record<string, ArmTally>): ExperimentResults {
  const names = experiment.arms.map(({ name }) => name);
  const compared = experiment.kind === 'shadow' ? [DELIVERED, ...names] : names;
  const arms = compared.flatMap((name) => (tallies[name] ? [{ name, tally: tallies[name] }] : []));
  const [first, ...others] = arms;
  const alpha = experiment.alpha / Math.max(1, others.length);
  const comparisons = first
    ? others.flatMap((arm) => experiment.metrics.flatMap((metric) => compare(arm, first, metric, alpha)))
    : [];
  return {
    arms: arms.map(({ name, tally }) => armResults(name, tally, experiment)),
    comparisons,
    words: [...conclusions(experiment, comparisons), ...fallbackWords(arms)],
  };
}

function armResults(arm: string, tally: ArmTally, { metrics, alpha }: Experiment): ArmResults {
  const estimates = metrics.flatMap((metric) => {
    const of = tally.metrics[metric];
    return of ? [[metric, estimateOf(of, intervalOf(metric, of, alpha))] as const] : [];
  });
  return {
    arm,
    jobs: tally.jobs,
    fallback_jobs: tally.fallbackJobs,
    cost_usd: tally.costUsd,
    cost_per_accepted_usd: tally.acceptedJobs === 0 ? null : tally.costUsd / tally.acceptedJobs,
    metrics: Object.fromEntries(estimates),
    latency_p50_ms: quantileOf(tally, 0.5, alpha),
    latency_p95_ms: quantileOf(tally, 0.95, alpha),
  };
}

function compare(
  arm: { name: string; tally: ArmTally },
  first: { name: string; tally: ArmTally },
  metric: MetricName,
  alpha: number,
): ArmComparison[] {
  const [own, its] = [arm.tally.metrics[metric], first.tally.metrics[metric]];
  if (!own || !its) return [];
  const interval = differenceOf(metric, its, own, alpha);
  const difference = { value: (meanOf(own) ?? 0) - (meanOf(its) ?? 0), jobs: own.count + its.count, ...finite(interval) };
  const verdict = verdictOn(metric, interval);
  const words = inWords(arm.name, first.name, metric, difference, verdict, jobsMissing(metric, its, own, alpha));
  return [{ arm: arm.name, with: first.name, metric, difference, verdict, words }];
}

function verdictOn(metric: MetricName, { low, high }: Interval): ArmComparison['verdict'] {
  if (low <= 0 && high >= 0) return 'not proven';
  return low > 0 === (experimentMetrics[metric].better === 'higher') ? 'better' : 'worse';
}

/** How many more jobs of both arms would prove the difference seen now; null where it would take very many. */
function jobsMissing(metric: MetricName, its: Tally, own: Tally, alpha: number): number | null {
  const proven = (factor: number): boolean => isProven(metric, times(its, factor), times(own, factor), alpha);
  if (proven(1)) return 0;
  if (!proven(FURTHEST)) return null;
  let [short, enough] = [1, FURTHEST];
  while (enough / short > 1.02) {
    const middle = Math.sqrt(short * enough);
    if (proven(middle)) enough = middle;
    else short = middle;
  }
  return Math.ceil((enough - 1) * (its.count + own.count));
}

function isProven(metric: MetricName, its: Tally, own: Tally, alpha: number): boolean {
  if (isShare(metric)) return differs(its, own, alpha);
  return verdictOn(metric, unboundedDifferenceInterval(its, own, alpha)) !== 'not proven';
}

function times({ count, sum, squares }: Tally, factor: number): Tally {
  return { count: count * factor, sum: sum * factor, squares: squares * factor };
}

function inWords(
  arm: string,
  first: string,
  metric: MetricName,
  { value, low, high }: EstimateView,
  verdict: string,
  missing: number | null,
): string {
  const seen = `${arm} minus ${first} is ${signed(value ?? 0)} in ${metric}, between ${signed(low)} and ${signed(high)}`;
  if (verdict !== 'not proven') return `${seen}: ${arm} is ${verdict}`;
  if (missing === null)
    return `${seen}: no difference is proven, and what is seen is too small to be proven by any likely number of jobs`;
  return `${seen}: no difference is proven; if it stays as it is, about ${missing} more jobs will prove it`;
}

/** The first metric decides; with several arms and metrics some difference will be found by chance, and the words say so. */
function conclusions({ metrics, alpha }: Experiment, comparisons: ArmComparison[]): string[] {
  const decisive = comparisons.filter(({ metric }) => metric === metrics[0]).map(({ words }) => words);
  if (comparisons.length === 0) return ['Nothing can be concluded: two arms need judged jobs first.'];
  const others = comparisons
    .filter(({ metric, verdict }) => metric !== metrics[0] && verdict !== 'not proven')
    .map(({ words }) => words);
  const note = `Each interval holds at all times with ${round((1 - alpha) * 100)} %; ${metrics[0]} decides, the other metrics are looked at besides.`;
  return [...decisive, ...others, note];
}

function fallbackWords(arms: { name: string; tally: ArmTally }[]): string[] {
  const shares = arms
    .filter(({ tally }) => tally.jobs > 0)
    .map(({ name, tally }) => ({ name, share: tally.fallbackJobs / tally.jobs }));
  const met = shares.filter(({ share }) => share > 0);
  if (met.length === 0) return [];
  const counted = `Jobs that met a fallback are counted apart: ${met.map(({ name, share }) => `${round(share * 100)} % of ${name}`).join(', ')}.`;
  const spread = Math.max(...shares.map(({ share }) => share)) - Math.min(...shares.map(({ share }) => share));
  return spread > FALLBACKS_DIFFER
    ? [`${counted} The arms differ in that, so that the rest compares easier jobs with harder ones.`]
    : [counted];
}

function estimateOf(tally: Tally, interval: Interval): EstimateView {
  return { value: meanOf(tally), jobs: tally.count, ...finite(interval) };
}

function intervalOf(metric: MetricName, tally: Tally, alpha: number): Interval {
  return isShare(metric) ? meanInterval(tally, alpha) : unboundedMeanInterval(tally, alpha);
}

function differenceOf(metric: MetricName, its: Tally, own: Tally, alpha: number): Interval {
  return isShare(metric) ? differenceInterval(its, own, alpha) : unboundedDifferenceInterval(its, own, alpha);
}

/** JSON has no infinity. */
function finite({ low, high }: Interval): { low: number | null; high: number | null } {
  return { low: Number.isFinite(low) ? low : null, high: Number.isFinite(high) ? high : null };
}

function isShare(metric: MetricName): boolean {
  return experimentMetrics[metric].unit === 'share';
}

function quantileOf({ latency }: ArmTally, quantile: number, alpha: number): EstimateView | null {
  const buckets = latencyBuckets(latency);
  const jobs = buckets.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  const at = buckets.find(({ count }) => (below += count) >= quantile * jobs);
  return at ? { value: at.upTo, jobs, ...finite(quantileInterval(buckets, quantile, alpha)) } : null;
}

function signed(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return 'unknown';
  return `${value > 0 ? '+' : ''}${round(value)}`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
