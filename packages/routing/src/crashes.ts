import type { JobState } from '@upshift/contracts';

/** Crashes of workers with a job on board after which it runs alone: others must not suffer from it, nor be blamed for it. */
const ALONE_AFTER = 2;

/**
 * How often a worker has died or hung with this job on board. A crash within a call ends the call's entry and so its count of
 * stalls; it stands in the ledger instead, once for a call and its hedge.
 *
 * @param stalls of the entry in hand
 */
export function crashesOf(job: JobState, stalls: number): number {
  const lost = job.attempts.filter(({ errorCode, hedges }) => errorCode === 'outcome_unknown' && hedges === undefined);
  return stalls + lost.length;
}

/** What is to be done with a job that has seen so many crashes; `aloneAt` of them when it was last begun alone, null if it never was. */
export function precautionFor(crashes: number, aloneAt: number | null): 'none' | 'alone' | 'quarantine' {
  if (aloneAt !== null && crashes > aloneAt) return 'quarantine';
  return crashes >= ALONE_AFTER ? 'alone' : 'none';
}
