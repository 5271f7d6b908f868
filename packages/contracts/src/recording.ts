import { z } from 'zod';

import { checkOutcome } from './check.ts';
import { callErrorCodes } from './errors.ts';
import { chatInput, embeddingInput, toolCall } from './input.ts';
import { jobView } from './job-view.ts';
import { jobRequest, purposes } from './job.ts';

/** What a model answered once, as far as it is needed to answer the same again. Vectors are left out: they follow from the texts. */
const recordedAnswer = z.object({
  text: z.string(),
  tool_calls: z.array(toolCall),
  finish_reason: z.enum(['stop', 'length', 'tool_calls', 'refusal']),
});

const recordedUsage = z.object({
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  cache_write_tokens: z.int(),
  output_tokens: z.int(),
  reasoning_tokens: z.int(),
});

const recordedAttempt = z.object({
  attempt: z.int(),
  purpose: z.enum(purposes),
  tier: z.string(),
  model: z.string(),
  outcome: z.enum(['answered', 'refused', 'failed']).nullable(),
  error: z.enum(callErrorCodes).nullable(),
  judges: z
    .object({ attempt: z.int(), rubric: z.string() })
    .nullable()
    .describe('Of a judge: whose answer it judged, and by what.'),
  answer: recordedAnswer.nullable(),
  usage: recordedUsage.nullable().describe('Null where it is unknown.'),
  cost_usd: z.number().nullable().describe('Null where it is unknown.'),
  model_ms: z.number().nullable().describe('The call itself.'),
  score: z.number().nullable(),
  passed: z.boolean().nullable(),
  checks: z.array(checkOutcome),
  late_verdict: z.boolean().nullable().default(null).describe('What was found out of the answer after it was delivered.'),
});
export type RecordedAttempt = z.infer<typeof recordedAttempt>;

const { status, route, task, created_at, cost_usd, cost_unknown, escalations, failovers, fallbacks } = jobView.shape;

/** All that is needed to play an ended job again: a line of an answer book. Money is in USD. */
export const jobRecording = z.object({
  object: z.literal('recording'),
  job: z.string(),
  created_at,
  configuration: z.string().describe('The version of the configuration under which it was accepted.'),
  seed: z.number().describe('Decides between models that are equally good and cheap; `Upshift-Seed` takes it.'),
  redactions: z.int().describe('How many pieces of text were replaced.'),
  request: jobRequest.omit({ metadata: true, webhook: true }).extend({ input: z.union([chatInput, embeddingInput]) }),
  status,
  route,
  task,
  arms: z
    .array(z.object({ experiment: z.string(), arm: z.string() }))
    .default([])
    .describe('Of experiments: those under which it was answered.'),
  attempts: z.array(recordedAttempt),
  discarded_attempts: z
    .int()
    .default(0)
    .describe('So many of the first attempts are those of a canary that was taken back: what they cost stands in `cost_usd`.'),
  final_attempt: z.int().nullable(),
  degraded: z.boolean(),
  cost_usd,
  cost_unknown,
  escalations,
  failovers,
  fallbacks,
});
export type JobRecording = z.infer<typeof jobRecording>;
