import type { UpshiftConfig } from '@upshift/contracts';
import type { JobsOptions } from 'bullmq';
import { z } from 'zod';

/** What a queue entry holds: ids and routing facts. Prompts and answers stay in the job's record. */
export const stepPayload = z.strictObject({
  job: z.string(),
  revision: z.int().positive(),
  epoch: z.int().positive(),
  step: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('classify') }),
    z.strictObject({ kind: z.literal('call'), attempt: z.int().positive() }),
    z.strictObject({ kind: z.literal('score'), attempt: z.int().positive() }),
  ]),
  route: z.string(),
  task: z.string().nullable(),
  model: z.string().nullable(),
  purpose: z.string().nullable(),
});
export type StepPayload = z.infer<typeof stepPayload>;

/** An entry of the `deliver` queue: which end of which job an endpoint is told of. */
export const deliveryPayload = z.strictObject({
  job: z.string(),
  revision: z.int().positive(),
  webhook: z.string(),
  event: z.enum(['job.completed', 'job.failed', 'job.cancelled', 'job.expired']),
  redelivery: z.int().nonnegative(),
});
export type DeliveryPayload = z.infer<typeof deliveryPayload>;

/**
 * Tries of a step whose handler throws: Redis away, or a bug. Calls that fail are decided on, not retried here. Ten tries with
 * doubling pauses span about three minutes.
 */
const STEP_TRIES = 10;

/** Finished entries kept for the board, per queue. */
const KEPT_ENTRIES = { count: 100, age: 3600 };

export const entryOptions = {
  attempts: STEP_TRIES,
  backoff: { type: 'exponential', delay: 200, jitter: 0.5 },
  removeOnComplete: KEPT_ENTRIES,
  removeOnFail: { count: 1000, age: 7 * 24 * 3600 },
};

/** The type of the back-off between tries of a delivery: the notifier computes it from the configured schedule. */
const DELIVERY_BACKOFF = 'schedule';

/** A delivery is tried once more after each pause of the schedule. */
export function deliveryOptions(config: UpshiftConfig): Partial<JobsOptions> {
  return { ...entryOptions, attempts: config.webhooks.retry_after_s.length + 1, backoff: { type: DELIVERY_BACKOFF } };
}

/** BullMQ's event stream keeps about 10,000 events per queue unless told otherwise; nobody reads that far back. */
export const eventStreamLength = 500;

/**
 * How fast the entry of a killed worker comes back: its lock must run out and a check must come by. Locks are renewed at
 * half their length, so only a blocked event loop loses one. A worker may be killed often with the same entry on board
 * (a deployment), so the count of stalls is high.
 */
export const recovery = { lockDuration: 10_000, stalledInterval: 3000, maxStalledCount: 10 };

/** BullMQ's order: entries without a priority, then ascending numbers. */
export const queuePriority = { high: 0, normal: 1, low: 2 };
