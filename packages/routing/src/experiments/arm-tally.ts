import { experimentMetrics } from '@upshift/contracts';
import type { Experiment, Guardrail, MetricName } from '@upshift/contracts';

import type { Observation } from './observation.ts';
import { emptyTally } from './tally.ts';
import type { Tally } from './tally.ts';

/** All that is kept of the jobs of an arm. */
export interface ArmTally {
  jobs: number;
  /** Of them, those that met a fallback: they count for guardrails, and not in the metrics. */
  fallbackJobs: number;
  acceptedJobs: number;
  /** Of all jobs, in USD, as far as it is known. */
  costUsd: number;
  /** Of all jobs, those of whose cost a part is not known. */
  unknownCostJobs: number;
  metrics: Partial<Record<MetricName, Tally>>;
  /** One per guardrail of the document, in its order: values in [0, 1], of all jobs. */
  guardrails: Tally[];
  /** Jobs by latency: the key is the upper end of a bucket, in ms. */
  latency: Record<string, number>;
  /** Rewards of an adaptive experiment, of all jobs. */
  rewards: Tally;
  /** Sums of powers of 1 / probability, for estimates under changing shares; see thompson.ts. */
  weighted: WeightedSums;
}

/** Over the jobs of an arm, with p its probability and y the reward: Σ 1/p, Σ y/p, Σ 1/p², Σ y/p², Σ y²/p². */
export interface WeightedSums {
  w: number;
  wy: number;
  ww: number;
  wwy: number;
  wwyy: number;
}

export function emptyArmTally(guardrails: number): ArmTally {
  return {
    jobs: 0,
    fallbackJobs: 0,
    acceptedJobs: 0,
    costUsd: 0,
    unknownCostJobs: 0,
    metrics: {},
    guardrails: Array.from({ length: guardrails }, () => emptyTally),
    latency: {},
    rewards: emptyTally,
    weighted: { w: 0, wy: 0, ww: 0, wwy: 0, wwyy: 0 },
  };
}

/** The tally of an arm with one more job. `probability` is that with which the job got its arm. */
export function addObservation(tally: ArmTally, experiment: Experiment, observation: Observation, probability: number): ArmTally {
  const { metrics, metFallback, accepted, knownCostUsd } = observation;
  const reward = experiment.kind === 'adaptive' ? valueOfAll(experiment.reward, observation) : null;
  return {
    jobs: tally.jobs + 1,
    fallbackJobs: tally.fallbackJobs + Number(metFallback),
    acceptedJobs: tally.acceptedJobs + Number(accepted),
    costUsd: tally.costUsd + (knownCostUsd ?? metrics.cost_usd ?? 0),
    unknownCostJobs: tally.unknownCostJobs + Number(metrics.cost_usd === null),
    metrics: metFallback ? tally.metrics : addMetrics(tally.metrics, comparedOf(experiment, metrics)),
    guardrails: guardrailsOf(experiment).map((guardrail, index) =>
      addValue(tally.guardrails[index] ?? emptyTally, boundedValue(guardrail, observation)),
    ),
    latency: metFallback || metrics.latency_ms === null ? tally.latency : addLatency(tally.latency, metrics.latency_ms),
    rewards: addValue(tally.rewards, reward),
    weighted: reward === null ? tally.weighted : addWeighted(tally.weighted, reward, probability),
  };
}

/** Not a shadow: a late verdict is about what somebody was given, and nobody is given what its candidate answers, which would look better for it. */
export function comparesLateFailures({ kind }: Experiment): boolean {
  return kind !== 'shadow';
}

function comparedOf(experiment: Experiment, metrics: Observation['metrics']): Observation['metrics'] {
  return comparesLateFailures(experiment) ? metrics : { ...metrics, late_failure_rate: null };
}

/** The tally after the answer of a job that it has counted, and that met no fallback, was failed by a late verdict. */
export function addLateFailure(tally: ArmTally): ArmTally {
  const late = tally.metrics.late_failure_rate ?? emptyTally;
  return {
    ...tally,
    metrics: { ...tally.metrics, late_failure_rate: { ...late, sum: late.sum + 1, squares: late.squares + 1 } },
  };
}

export function guardrailsOf(experiment: Experiment): Guardrail[] {
  return experiment.kind === 'canary' ? experiment.guardrails : [];
}

/** The buckets of a latency histogram, in ascending order. */
export function latencyBuckets({ latency }: ArmTally): { upTo: number; count: number }[] {
  return Object.entries(latency)
    .map(([upTo, count]) => ({ upTo: Number(upTo), count }))
    .toSorted((one, other) => one.upTo - other.upTo);
}

/** The upper end of the bucket below which so large a part of the jobs has ended, in ms; null without any. */
export function latencyQuantile(tally: ArmTally, quantile: number): number | null {
  const buckets = latencyBuckets(tally);
  const jobs = buckets.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  return buckets.find(({ count }) => (below += count) >= quantile * jobs)?.upTo ?? null;
}

/** Buckets per doubling of the latency: each is 9 % wide. */
const BUCKETS_PER_DOUBLING = 8;

function addLatency(latency: Record<string, number>, ms: number): Record<string, number> {
  const upTo = Math.ceil(2 ** (Math.ceil(Math.log2(Math.max(1, ms)) * BUCKETS_PER_DOUBLING) / BUCKETS_PER_DOUBLING));
  return { ...latency, [upTo]: (latency[upTo] ?? 0) + 1 };
}

function addMetrics(tallies: ArmTally['metrics'], values: Observation['metrics']): ArmTally['metrics'] {
  const added = { ...tallies };
  for (const [name, value] of Object.entries(values) as [MetricName, number | null][]) {
    if (value !== null) added[name] = addValue(added[name] ?? emptyTally, value);
  }
  return added;
}

function boundedValue({ metric, ceiling }: Guardrail, observation: Observation): number | null {
  const value = valueOfAll(metric, observation);
  if (value === null) return null;
  return experimentMetrics[metric].unit === 'share' ? value : Math.min(value, ceiling!) / ceiling!;
}

/** Where every job counts, one without an answer of its arm scores 0: an arm that only fails would else be judged by nothing. */
function valueOfAll(metric: MetricName, { metrics, metFallback }: Observation): number | null {
  if (metric !== 'score') return metrics[metric];
  return metFallback ? 0 : (metrics.score ?? 0);
}

function addValue(tally: Tally, value: number | null): Tally {
  if (value === null) return tally;
  return { count: tally.count + 1, sum: tally.sum + value, squares: tally.squares + value * value };
}

function addWeighted({ w, wy, ww, wwy, wwyy }: WeightedSums, y: number, p: number): WeightedSums {
  const weight = 1 / p;
  return {
    w: w + weight,
    wy: wy + weight * y,
    ww: ww + weight ** 2,
    wwy: wwy + weight ** 2 * y,
    wwyy: wwyy + weight ** 2 * y ** 2,
  };
}
