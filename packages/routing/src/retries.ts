import type { Attempt, CallErrorCode, JobState } from '@upshift/contracts';

import { liveAttempts, wasLost } from './live-attempts.ts';

/** Of calls that were not made: their provider has not felt them. */
const notMade: readonly CallErrorCode[] = ['circuit_open', 'provider_off'];

/** Whether a call is made because the one before it has failed, or is slow. Storms are made of such calls, so that each provider gets few of them. */
export function isRetry(job: JobState, { number, purpose, judges }: Attempt): boolean {
  // Slowness of a provider makes hedges as its faults make retries.
  if (purpose === 'hedge') return true;
  const before = liveAttempts(job).findLast(
    (other) =>
      other.number < number &&
      other.purpose === purpose &&
      other.judges?.attempt === judges?.attempt &&
      other.judges?.check === judges?.check,
  );
  if (before?.outcome !== 'failed' || before.sentAt === null || wasLost(before)) return false;
  return before.errorCode === null || !notMade.includes(before.errorCode);
}
