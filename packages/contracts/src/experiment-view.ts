import { z } from 'zod';

import { experimentDocument } from './experiment.ts';

const experimentStatus = z.enum(['running', 'paused', 'promoted', 'rolled_back', 'aborted', 'ended']);
export type ExperimentStatus = z.infer<typeof experimentStatus>;

/** Every change that an endpoint can be told of. */
export const experimentEvents = [
  'experiment.started',
  'experiment.step_passed',
  'experiment.promoted',
  'experiment.rolled_back',
  'experiment.paused',
  'experiment.resumed',
  'experiment.aborted',
  'experiment.ended',
] as const;
export type ExperimentEvent = (typeof experimentEvents)[number];

/** A value with the interval that holds at all times at once; null ends are not known yet. */
const estimateView = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  jobs: z.number(),
});
export type EstimateView = z.infer<typeof estimateView>;

export const armResults = z.object({
  arm: z.string(),
  jobs: z.int(),
  fallback_jobs: z.int(),
  accepted_jobs: z.int().describe('Answered and accepted by the arm itself: neither degraded nor by a fallback.'),
  cost_usd: z.number().describe('Of all its jobs, as far as it is known.'),
  cost_unknown_jobs: z.int().describe('Jobs of whose cost a part is not known.'),
  cost_per_accepted_usd: z.number().nullable().describe('Failures and fallbacks paid; null without an accepted answer.'),
  metrics: z.record(z.string(), estimateView).describe('All of them, as far as they were measured.'),
  latency_p50_ms: estimateView.nullable(),
  latency_p95_ms: estimateView.nullable(),
});
export type ArmResults = z.infer<typeof armResults>;

const armComparison = z.object({
  arm: z.string(),
  with: z.string(),
  metric: z.string(),
  difference: estimateView,
  verdict: z.enum(['better', 'worse', 'not proven']),
  words: z.string(),
});
export type ArmComparison = z.infer<typeof armComparison>;

/** What the metrics were at a time: by metric and arm. */
const seriesPoint = z.object({ at: z.iso.datetime(), metrics: z.record(z.string(), z.record(z.string(), estimateView)) });
export type SeriesPoint = z.infer<typeof seriesPoint>;

const historyEntry = z.object({
  at: z.iso.datetime(),
  event: z.enum(experimentEvents),
  status: experimentStatus,
  reason: z.string(),
});
export type HistoryEntry = z.infer<typeof historyEntry>;

/** An experiment as the API lists it. */
export const experimentSummary = z.object({
  name: z.string(),
  kind: z.enum(['ab', 'canary', 'shadow', 'adaptive']),
  route: z.string(),
  status: experimentStatus,
  reason: z.string(),
  shares: z.record(z.string(), z.number()).describe('Of new jobs, by arm.'),
  created_at: z.iso.datetime(),
  changed_at: z.iso.datetime(),
});
export type ExperimentSummary = z.infer<typeof experimentSummary>;

/** An experiment with its results. */
export const experimentView = experimentSummary.extend({
  document: experimentDocument,
  held_jobs: z.int().describe('Jobs whose answers wait now.'),
  released_jobs: z.int(),
  rerun_jobs: z.int(),
  preferences: z
    .object({ candidate: z.int(), delivered: z.int(), same: z.int() })
    .nullable()
    .describe('Of a shadow with a judge: which answer was better, blind and in random order.'),
  shadow: z
    .object({ cost_usd: z.number(), waiting_jobs: z.int(), skipped_jobs: z.int() })
    .nullable()
    .describe(
      'Of a shadow: what it has cost, how many answers wait to be followed, and how many were not because too many waited.',
    ),
  arms: z.array(armResults),
  comparisons: z.array(armComparison),
  words: z.array(z.string()),
  history: z.array(historyEntry),
  series: z.array(seriesPoint),
});
export type ExperimentView = z.infer<typeof experimentView>;

/** The body of promote: which arm, for experiments other than canaries. */
export const promoteRequest = z.strictObject({ arm: z.string().optional() });
