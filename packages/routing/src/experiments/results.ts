import { DELIVERED, experimentMetrics } from '@upshift/contracts';
import type { ArmComparison, ArmResults, EstimateView, Experiment, MetricName } from '@upshift/contracts';

import type { AdaptiveState } from './adaptive.ts';
import { latencyBuckets, latencyQuantile } from './arm-tally.ts';
import type { ArmTally } from './arm-tally.ts';
import {
  differenceInterval,
  differs,
  meanInterval,
  quantileInterval,
  unboundedDifferenceInterval,
  unboundedMeanInterval,
} from './confidence-sequence.ts';
import type { Interval } from './confidence-sequence.ts';
import type { Tallies } from './outcome.ts';
import { conclusions, differenceWords, fallbackWords, preferenceWords } from './result-words.ts';
import type { Preferences } from './result-words.ts';
import { meanOf } from './tally.ts';
import type { Tally } from './tally.ts';

export interface ExperimentResults {
  arms: ArmResults[];
  comparisons: ArmComparison[];
  /** What can be concluded and what can not. */
  words: string[];
}

/** What results are made of, beside the tallies of the arms. */
export interface Evidence {
  /** Of an adaptive experiment. */
  adaptive?: AdaptiveState | null;
  /** Of a shadow with a judge. */
  preferences?: Preferences | null;
}

/** An arm as it is shown: its tally, and what stands in the place of plain tallies where those would be biased. */
interface Seen {
  name: string;
  tally: ArmTally;
  /** Sums over the jobs of all arms, whose mean is that of the arm. */
  weighted: { metric: MetricName; tally: Tally } | null;
}

/** The furthest that is looked ahead: so many times the jobs of now. */
const FURTHEST = 10_000;

/** All that the tallies of an experiment say, arm by arm and each arm beside the first. */
export function resultsOf(experiment: Experiment, tallies: Tallies, evidence: Evidence = {}): ExperimentResults {
  const names = experiment.arms.map(({ name }) => name);
  const compared = experiment.kind === 'shadow' ? [DELIVERED, ...names] : names;
  const arms = compared.flatMap((name) =>
    tallies[name] ? [{ name, tally: tallies[name], weighted: weightedOf(experiment, name, evidence) }] : [],
  );
  const [first, ...others] = arms;
  const alpha = experiment.alpha / Math.max(1, others.length);
  const comparisons = first
    ? others.flatMap((arm) => experiment.metrics.flatMap((metric) => compare(arm, first, metric, alpha)))
    : [];
  return {
    arms: arms.map((arm) => armResults(arm, experiment.alpha)),
    comparisons,
    words: [
      ...conclusions(experiment, comparisons),
      ...fallbackWords(arms),
      ...preferenceWords(evidence.preferences ?? null, experiment.alpha),
    ],
  };
}

function weightedOf(experiment: Experiment, arm: string, { adaptive }: Evidence): Seen['weighted'] {
  const estimate = adaptive?.estimates[arm];
  if (experiment.kind !== 'adaptive' || !estimate || estimate.jobs === 0) return null;
  const { jobs: count, sum, squares } = estimate;
  return { metric: experiment.reward, tally: { count, sum, squares } };
}

function armResults(arm: Seen, alpha: number): ArmResults {
  const { name, tally } = arm;
  const estimates = Object.keys(experimentMetrics).flatMap((metric) => {
    const estimate = estimateOf(arm, metric as MetricName, alpha);
    return estimate ? [[metric, estimate] as const] : [];
  });
  return {
    arm: name,
    jobs: tally.jobs,
    fallback_jobs: tally.fallbackJobs,
    accepted_jobs: tally.acceptedJobs,
    cost_usd: tally.costUsd,
    cost_unknown_jobs: tally.unknownCostJobs,
    cost_per_accepted_usd: tally.acceptedJobs === 0 ? null : tally.costUsd / tally.acceptedJobs,
    metrics: Object.fromEntries(estimates),
    latency_p50_ms: quantileOf(tally, 0.5, alpha),
    latency_p95_ms: quantileOf(tally, 0.95, alpha),
  };
}

function estimateOf(arm: Seen, metric: MetricName, alpha: number): EstimateView | null {
  const plain = arm.tally.metrics[metric];
  const of = valuesOf(arm, metric);
  if (!plain || !of) return null;
  return { value: meanOf(of), jobs: plain.count, ...finite(intervalOf(arm, metric, of, alpha)) };
}

/** What the mean of a metric is taken from. */
function valuesOf({ tally, weighted }: Seen, metric: MetricName): Tally | undefined {
  return weighted?.metric === metric ? weighted.tally : tally.metrics[metric];
}

/** Whether the values of a metric lie in [0, 1], so that the exact intervals hold. Weighted ones do not. */
function isBounded({ weighted }: Seen, metric: MetricName): boolean {
  return experimentMetrics[metric].unit === 'share' && weighted?.metric !== metric;
}

function intervalOf(arm: Seen, metric: MetricName, of: Tally, alpha: number): Interval {
  return isBounded(arm, metric) ? meanInterval(of, alpha) : unboundedMeanInterval(of, alpha);
}

function compare(arm: Seen, first: Seen, metric: MetricName, alpha: number): ArmComparison[] {
  const [own, its] = [valuesOf(arm, metric), valuesOf(first, metric)];
  if (!own || !its) return [];
  const bounded = isBounded(arm, metric);
  const interval = (bounded ? differenceInterval : unboundedDifferenceInterval)(its, own, alpha);
  const jobs = (arm.tally.metrics[metric]?.count ?? 0) + (first.tally.metrics[metric]?.count ?? 0);
  const difference = { value: (meanOf(own) ?? 0) - (meanOf(its) ?? 0), jobs, ...finite(interval) };
  const verdict = verdictOn(metric, interval);
  const proven = (factor: number): boolean => {
    const [more, itsMore] = [times(own, factor), times(its, factor)];
    if (bounded) return differs(itsMore, more, alpha);
    return verdictOn(metric, unboundedDifferenceInterval(itsMore, more, alpha)) !== 'not proven';
  };
  const words = differenceWords([arm.name, first.name, metric], difference, verdict, jobsMissing(proven, jobs));
  return [{ arm: arm.name, with: first.name, metric, difference, verdict, words }];
}

function verdictOn(metric: MetricName, { low, high }: Interval): ArmComparison['verdict'] {
  if (low <= 0 && high >= 0) return 'not proven';
  return low > 0 === (experimentMetrics[metric].better === 'higher') ? 'better' : 'worse';
}

/** How many more jobs of both arms would prove the difference seen now; null where it would take very many. */
function jobsMissing(proven: (factor: number) => boolean, jobs: number): number | null {
  if (proven(1)) return 0;
  if (!proven(FURTHEST)) return null;
  let [short, enough] = [1, FURTHEST];
  while (enough / short > 1.02) {
    const middle = Math.sqrt(short * enough);
    if (proven(middle)) enough = middle;
    else short = middle;
  }
  return Math.ceil((enough - 1) * jobs);
}

function times({ count, sum, squares }: Tally, factor: number): Tally {
  return { count: count * factor, sum: sum * factor, squares: squares * factor };
}

/** JSON has no infinity. */
function finite({ low, high }: Interval): { low: number | null; high: number | null } {
  return { low: Number.isFinite(low) ? low : null, high: Number.isFinite(high) ? high : null };
}

function quantileOf(tally: ArmTally, quantile: number, alpha: number): EstimateView | null {
  const buckets = latencyBuckets(tally);
  const jobs = buckets.reduce((sum, { count }) => sum + count, 0);
  const value = latencyQuantile(tally, quantile);
  return value === null ? null : { value, jobs, ...finite(quantileInterval(buckets, quantile, alpha)) };
}
