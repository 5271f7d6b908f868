import type { Attempt, JobState } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import { earnRetries, reserveRetry } from '@upshift/queues';
import type { Connection, StepContext } from '@upshift/queues';
import { isRetry } from '@upshift/routing';

import { noPlace } from './call-errors.ts';

/** Longest that a retry waits for its place, in ms; then another model is asked. */
const LONGEST_RETRY_WAIT_MS = 300_000;
/** How often first calls are told to the other processes, in ms. */
const TOLD_EVERY_MS = 1000;

/** The share of retries in the calls of each provider, which all workers keep together. */
export interface Retries {
  /** Whether the call of an attempt may be made. False where it comes later, or no more: the job is told so. */
  admit(context: StepContext<'call'>, attempt: Attempt): Promise<boolean>;
  /** Says that the call of an attempt, as that was before it, is made: one that is no retry makes room for retries. */
  count(job: JobState, attempt: Attempt): void;
}

export function createRetries(connection: Connection): Retries {
  const firstCalls = new Map<string, number>();
  // By a clock that nobody sets.
  let toldAt = performance.now();

  const tell = (): void => {
    if (performance.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = performance.now();
    for (const [provider, calls] of firstCalls)
      void earnRetries(connection, provider, calls).catch((error: unknown) =>
        connection.logger.warn({ provider, reason: String(error) }, 'could not share the calls of a provider'),
      );
    firstCalls.clear();
  };

  return {
    async admit({ job, advance }, attempt) {
      const { provider } = splitModelId(attempt.model);
      if (!needsPlace(job, attempt)) return true;
      // A hedge is of use now or not at all.
      const place = await reserveRetry(connection, provider, attempt.purpose === 'hedge' ? 0 : LONGEST_RETRY_WAIT_MS);
      if ('tooLongMs' in place) {
        const message = `${provider} has had its share of retries for ${place.tooLongMs} ms`;
        const error = noPlace(attempt.model, message, place.tooLongMs);
        await advance({ type: 'place-denied', attempt: attempt.number, epoch: job.epoch, error });
        return false;
      }
      if (place.waitMs === 0) return true;
      await advance({ type: 'retry-deferred', attempt: attempt.number, waitMs: place.waitMs });
      return false;
    },
    count(job, attempt) {
      if (needsPlace(job, attempt)) return;
      const { provider } = splitModelId(attempt.model);
      if (!cameBack(attempt)) firstCalls.set(provider, (firstCalls.get(provider) ?? 0) + 1);
      tell();
    },
  };
}

/** Not for the first time, for its place among the retries or after a limit: such a call earns no retry, else a storm would feed itself. */
function cameBack({ retryAt, waits }: Attempt): boolean {
  return retryAt !== undefined || waits > 0;
}

function needsPlace(job: JobState, attempt: Attempt): boolean {
  return attempt.retryAt === undefined && isRetry(job, attempt);
}
