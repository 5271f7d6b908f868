import { experimentMetrics } from '@upshift/contracts';
import type { CheckOutcome, Experiment, Guardrail, JobState, MetricName } from '@upshift/contracts';

import { costOfJob, nanoUsdToUsd } from '../cost.ts';
import { emptyTally } from './tally.ts';
import type { Tally } from './tally.ts';

/** What one job of an arm came to. A metric that the job says nothing of is null. */
export interface Observation {
  metrics: Record<MetricName, number | null>;
  metFallback: boolean;
  accepted: boolean;
}

/** All that is kept of the jobs of an arm. */
export interface ArmTally {
  jobs: number;
  /** Of them, those that met a fallback: they count for guardrails, and not in the metrics. */
  fallbackJobs: number;
  acceptedJobs: number;
  /** Of all jobs, in USD. */
  costUsd: number;
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
    metrics: {},
    guardrails: Array.from({ length: guardrails }, () => emptyTally),
    latency: {},
    rewards: emptyTally,
    weighted: { w: 0, wy: 0, ww: 0, wwy: 0, wwyy: 0 },
  };
}

/** What an ended job, or one whose answer is held, says of its arm; null where the client cancelled it. */
export function observationOf(job: JobState, checks: CheckOutcome[]): Observation | null {
  if (job.status === 'cancelled') return null;
  const held = job.experiments?.held ?? null;
  const { status, finalAttempt, degraded } = held ?? job;
  const final = finalAttempt === null ? null : (job.attempts[finalAttempt - 1] ?? null);
  const refused = final?.outcome === 'refused';
  const answered = final?.outcome === 'answered';
  const accepted = answered && !degraded && final.passed !== false;
  const schemaFailed = checks.some(({ type, passed }) => (type === 'json' || type === 'json_schema') && !passed);
  const cost = costOfJob(job);
  const endedAt = held?.at ?? job.completedAt;
  return {
    metFallback: job.fallbacks > 0,
    accepted,
    metrics: {
      score: answered ? final.score : null,
      pass_rate: Number(accepted),
      escalation_rate: Number(job.escalations > 0),
      error_rate: Number(status === 'failed' || status === 'expired'),
      refusal_rate: Number(refused),
      schema_failure_rate: answered ? Number(schemaFailed) : null,
      late_failure_rate: Number(job.revision > 1),
      cost_usd: cost.unknown ? null : nanoUsdToUsd(cost.nanoUsd),
      latency_ms: endedAt === null ? null : endedAt - job.createdAt,
    },
  };
}

/** The tally of an arm with one more job. `probability` is that with which the job got its arm. */
export function addObservation(tally: ArmTally, experiment: Experiment, observation: Observation, probability: number): ArmTally {
  const { metrics, metFallback, accepted } = observation;
  const reward = experiment.kind === 'adaptive' ? metrics[experiment.reward] : null;
  return {
    jobs: tally.jobs + 1,
    fallbackJobs: tally.fallbackJobs + Number(metFallback),
    acceptedJobs: tally.acceptedJobs + Number(accepted),
    costUsd: tally.costUsd + (metrics.cost_usd ?? 0),
    metrics: metFallback ? tally.metrics : addMetrics(tally.metrics, metrics),
    guardrails: guardrailsOf(experiment).map((guardrail, index) =>
      addValue(tally.guardrails[index] ?? emptyTally, boundedValue(guardrail, metrics)),
    ),
    latency: metFallback || metrics.latency_ms === null ? tally.latency : addLatency(tally.latency, metrics.latency_ms),
    rewards: addValue(tally.rewards, reward),
    weighted: reward === null ? tally.weighted : addWeighted(tally.weighted, reward, probability),
  };
}

export function guardrailsOf(experiment: Experiment): Guardrail[] {
  return experiment.kind === 'canary' ? experiment.guardrails : [];
}

/** The buckets of a latency histogram, in ascending order. */
export function latencyBuckets(latency: Record<string, number>): { upTo: number; count: number }[] {
  return Object.entries(latency)
    .map(([upTo, count]) => ({ upTo: Number(upTo), count }))
    .toSorted((one, other) => one.upTo - other.upTo);
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

function boundedValue({ metric, ceiling }: Guardrail, metrics: Observation['metrics']): number | null {
  const value = metrics[metric];
  if (value === null) return null;
  return experimentMetrics[metric].unit === 'share' ? value : Math.min(value, ceiling!) / ceiling!;
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
