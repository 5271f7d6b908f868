import { z } from 'zod';

import { checkOutcome } from './check.ts';
import { callErrorCodes } from './errors.ts';
import { lanes, purposes } from './job.ts';

/** Every event that a job's trail can hold, noun first. */
export const trailEvents = [
  'job-accepted',
  'arm-assigned',
  'job-classified',
  'attempt-claimed',
  'attempt-sent',
  'attempt-waiting',
  'attempt-settled',
  'attempt-failed',
  'answer-verified',
  'answer-judged',
  'budget-denied',
  'job-escalated',
  'job-failed-over',
  'job-fell-back',
  'job-requeued',
  'job-held',
  'job-released',
  'job-rerun',
  'answer-reused',
  'answer-confirmed',
  'job-reopened',
  'job-completed',
  'job-failed',
  'job-cancelled',
  'job-expired',
] as const;
export type TrailEvent = (typeof trailEvents)[number];

/** One line of a job's story, as stored and as the API shows it. Absent fields do not apply. */
export const trailEntry = z.object({
  at: z.iso.datetime(),
  event: z.enum(trailEvents),
  revision: z.int(),
  attempt: z.int().optional(),
  purpose: z.enum(purposes).optional(),
  tier: z.string().optional(),
  model: z.string().optional(),
  lane: z.enum(lanes).optional(),
  usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }).nullable().optional(),
  cost_usd: z.number().nullable().optional().describe('Null where the cost is unknown.'),
  wait_ms: z.number().optional().describe('From claiming the attempt to the call.'),
  model_ms: z.number().optional().describe('The call itself.'),
  score: z.number().optional(),
  checks: z.array(checkOutcome).optional(),
  complexity: z.number().optional(),
  propensity: z.number().optional().describe('How probable the start was, where chance decided it.'),
  error: z.enum(callErrorCodes).optional(),
  reason: z.string(),
});
export type TrailEntry = z.infer<typeof trailEntry>;
