import { z } from 'zod';

import { toolCall } from './input.ts';
import { jobStatuses } from './job.ts';

/** A job as the API shows it. Money is in USD here; null or `cost_unknown` where it is not known. */
export const jobView = z.object({
  id: z.string(),
  object: z.literal('job'),
  revision: z.int(),
  status: z.enum(jobStatuses),
  route: z.string(),
  task: z.string().nullable(),
  created_at: z.iso.datetime(),
  completed_at: z.iso.datetime().nullable(),
  result: z
    .object({
      text: z.string(),
      tool_calls: z.array(toolCall),
      json: z.unknown(),
      vectors: z.array(z.array(z.number())).nullable(),
      model: z.string(),
      provider: z.string(),
      tier: z.string(),
      finish_reason: z.enum(['stop', 'length', 'tool_calls', 'refusal']),
      score: z.number().nullable(),
      degraded: z.boolean(),
      refusal: z.boolean(),
    })
    .nullable(),
  reasons: z.array(z.string()),
  usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }),
  cost_usd: z.number(),
  cost_unknown: z.boolean(),
  attempts: z.int(),
  escalations: z.int(),
  failovers: z.int(),
  fallbacks: z.int(),
  timings_ms: z.object({ queued: z.number().nullable(), model: z.number(), total: z.number().nullable() }),
  metadata: z.record(z.string(), z.string()),
});
export type JobView = z.infer<typeof jobView>;

/** A page of `GET /v1/jobs`, newest first. */
export const jobPage = z.object({
  object: z.literal('list'),
  data: z.array(jobView),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});
export type JobPage = z.infer<typeof jobPage>;

/** `GET /v1/quarantine`: jobs that crashed a worker in which they ran alone. */
export const quarantineView = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      quarantined_at: z.iso.datetime(),
      route: z.string(),
      task: z.string().nullable(),
      reason: z.string(),
    }),
  ),
});
export type QuarantineView = z.infer<typeof quarantineView>;

/** `GET /v1/health/models`: the models of the configuration and whether they can be called now. */
export const modelHealthView = z.object({
  data: z.array(
    z.object({
      model: z.string(),
      tier: z.string(),
      state: z
        .enum(['ready', 'circuit_open', 'probing', 'provider_off'])
        .describe('`probing`: the circuit was open, may close again, and the model has not answered since.'),
      reason: z.string().nullable().describe('Why the provider is off.'),
      open_until: z.iso.datetime().nullable().describe('When the circuit may close.'),
    }),
  ),
});
export type ModelHealthView = z.infer<typeof modelHealthView>;

/** `GET /v1/queues`. */
export const queuesView = z.object({
  data: z.array(
    z.object({
      queue: z.string(),
      tier: z.string().nullable(),
      model: z.string().nullable(),
      waiting: z.int(),
      delayed: z.int(),
      active: z.int(),
      failed: z.int(),
      oldest_waiting_s: z.number(),
    }),
  ),
  unfinished_jobs: z.int(),
});
export type QueuesView = z.infer<typeof queuesView>;

/** `application/problem+json` (RFC 9457) with a stable code and one entry per bad field. */
export const problemView = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().optional(),
  code: z.string(),
  errors: z.array(z.object({ field: z.string(), value: z.unknown().optional(), message: z.string() })),
});
export type ProblemView = z.infer<typeof problemView>;
