import type { JobState, MetricName } from '@upshift/contracts';

import { committedNanoUsd, costOfJob, nanoUsdToUsd } from '../cost.ts';
import { finalAttemptOf, wasLost } from '../live-attempts.ts';

/** What one job of an arm came to. A metric that the job says nothing of is null. */
export interface Observation {
  metrics: Record<MetricName, number | null>;
  metFallback: boolean;
  accepted: boolean;
  /** From its acceptance to its deadline, in ms; null where it has none. */
  limitMs: number | null;
  /** What it takes of a budget, in USD: where a cost is not known, what was set aside for the call. */
  spentUsd: number;
  /** What is known of its cost, in USD, also where a part is not; absent in outcomes from before this was told. */
  knownCostUsd?: number;
  /** That of its answer; null where it has none, absent in outcomes from before this was told. */
  tier?: string | null;
}

/** What an ended job, or one whose answer is held, says of its arm; null where the client cancelled it. */
export function observationOf(job: JobState): Observation | null {
  if (job.status === 'cancelled') return null;
  const held = job.experiments?.held ?? null;
  const { status, finalAttempt, degraded } = held ?? job;
  const final = finalAttemptOf({ attempts: job.attempts, finalAttempt });
  const answered = final?.outcome === 'answered';
  const metFallback = job.fallbacks > 0;
  // What a fallback has answered is no success of the arm: one that always fails would else look as good as its fallback.
  const accepted = answered && !degraded && final.passed !== false && !metFallback;
  const endedAt = held?.at ?? job.completedAt;
  return {
    metFallback,
    accepted,
    limitMs: limitOf(job),
    ...moneyOf(job),
    tier: answered ? final.tier : null,
    metrics: {
      score: answered ? final.score : null,
      pass_rate: Number(accepted),
      escalation_rate: Number(job.escalations > 0),
      error_rate: Number(status === 'failed' || status === 'expired' || lacksModel(job)),
      refusal_rate: Number(final?.outcome === 'refused'),
      schema_failure_rate: schemaFailure(job),
      late_failure_rate: Number(job.revision > 1),
      cost_usd: costOf(job),
      latency_ms: endedAt === null ? null : endedAt - job.createdAt,
    },
  };
}

/** Of a job that was taken from a canary, at a time, before it had an answer: the arm has failed it. */
export function unansweredObservation(job: JobState, now: number): Observation {
  const metrics = {
    score: null,
    pass_rate: 0,
    escalation_rate: Number(job.escalations > 0),
    error_rate: 1,
    refusal_rate: 0,
    schema_failure_rate: schemaFailure(job),
    late_failure_rate: 0,
    cost_usd: costOf(job),
    latency_ms: now - job.createdAt,
  };
  return { metFallback: job.fallbacks > 0, accepted: false, limitMs: limitOf(job), ...moneyOf(job), metrics };
}

/** The same job if only an answer before some time counts, in ms from its acceptance. */
export function observedWithin(mostMs: number, observation: Observation): Observation {
  const { metrics } = observation;
  if ((metrics.latency_ms ?? Infinity) <= mostMs) return observation;
  return { ...observation, accepted: false, metrics: { ...metrics, score: null, pass_rate: 0, error_rate: 1 } };
}

/** Whether another model had to answer, because a call has failed or none was made. Calls that were lost by us say nothing of the arm. */
function lacksModel({ attempts, passedOver }: JobState): boolean {
  const failed = attempts.some((attempt) => attempt.purpose === 'answer' && attempt.errorCode !== null && !wasLost(attempt));
  return failed || passedOver > 0;
}

/** Of any answer of the job: one that fails is escalated, so that the last one seldom does. */
function schemaFailure({ attempts }: JobState): number | null {
  const looked = attempts.filter(({ schemaFailed }) => schemaFailed !== null);
  return looked.length === 0 ? null : Number(looked.some(({ schemaFailed }) => schemaFailed));
}

function moneyOf(job: JobState): Pick<Observation, 'spentUsd' | 'knownCostUsd'> {
  return { spentUsd: nanoUsdToUsd(committedNanoUsd(job)), knownCostUsd: nanoUsdToUsd(costOfJob(job).nanoUsd) };
}

function costOf(job: JobState): number | null {
  const { nanoUsd, unknown } = costOfJob(job);
  return unknown ? null : nanoUsdToUsd(nanoUsd);
}

function limitOf({ deadline, createdAt }: JobState): number | null {
  return deadline === null ? null : deadline - createdAt;
}
