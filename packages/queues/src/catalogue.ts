import { experimentEvents } from '@upshift/contracts';
import type { JobsOptions } from 'bullmq';
import { z } from 'zod';

/**
 * What a queue entry holds: whose step it is. Everything else stands in the job's record, and the entry's id and queue say
 * which step of which tier and model. Redis stores an entry in a third of the room while no value is longer than 64 bytes.
 */
export const stepPayload = z.object({ job: z.string(), epoch: z.int().positive() });
export type StepPayload = z.infer<typeof stepPayload>;

/** An entry of the `deliver` queue: which end of which job an endpoint is told of. */
export const deliveryPayload = z.strictObject({
  job: z.string(),
  revision: z.int().positive(),
  webhook: z.string(),
  event: z.enum(['job.completed', 'job.failed', 'job.cancelled', 'job.expired', ...experimentEvents]),
  redelivery: z.int().nonnegative(),
});
export type DeliveryPayload = z.infer<typeof deliveryPayload>;

/**
 * Tries of a step whose handler throws: Redis away, or a bug. Calls that fail are decided on, not retried here. Ten tries with
 * doubling pauses span about three minutes.
 */
const STEP_TRIES = 10;
const FIRST_PAUSE_MS = 200;

/** The pause after so many tries, with up to half of it at random, in ms: for the back-off of type `step`. */
export function stepBackoff(tries: number): number {
  return Math.round(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2));
}

/** Short, as `stepPayload` says: what is the same for all steps is an option of the consumer. */
export const entryOptions = { attempts: STEP_TRIES, backoff: { type: 'step' } };

/** Entries that ended, kept per queue for the board to show. */
export const keptEntries = { removeOnComplete: { count: 100, age: 3600 }, removeOnFail: { count: 1000, age: 7 * 24 * 3600 } };

/** The type of the back-off between tries of a delivery: the notifier computes it from the configured schedule. */
const DELIVERY_BACKOFF = 'schedule';

/**
 * Whether a delivery is tried once more is decided after each try, by the schedule as it is then. This number only ends one whose handler throws
 * for more than an hour.
 */
const DELIVERY_TRIES = 1000;

export const deliveryOptions = { ...keptEntries, attempts: DELIVERY_TRIES, backoff: { type: DELIVERY_BACKOFF } };

/** BullMQ's event stream keeps about 10,000 events per queue unless told otherwise; nobody reads that far back. */
export const eventStreamLength = 500;

/** About how many batches of steps the stream of events remembers, for clients that come back after a pause. */
export const BATCHES_KEPT = 2000;

/**
 * How fast the entry of a killed worker comes back: a check must find it twice, and its lock must have run out where it has one. Entries
 * are locked within a second, locks renewed at half their length, so only an event loop that is blocked for seconds loses one. A worker
 * may be killed often with the same entry on board (a deployment), so the count of stalls is high.
 */
export const recovery = { lockDuration: 10_000, stalledInterval: 5000, maxStalledCount: 10 };

/** BullMQ's order: entries without a priority, then ascending numbers. */
export const queuePriority = { high: 0, normal: 1, low: 2 };
/** Of jobs that only an experiment asked for: behind all real ones. */
export const shadowPriority = 3;

/** BullMQ's score of a delayed entry: when it is due, in ms, times this. */
export const delayedScorePerMs = 0x1000;

/** The options of an entry as BullMQ stores them: a delay of none and no priority are left out. */
export function optionsText({ delay: _delay, priority = 0, ...others }: JobsOptions): string {
  return JSON.stringify(priority > 0 ? { ...others, priority } : others);
}
