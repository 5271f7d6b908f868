import type { Attempt, JobState } from '@upshift/contracts';

/** Fewer calls say nothing of what is usual. */
const LEAST_CALLS = 20;
const SHARE = 0.95;

/** After how long a call is slower than 95 % of the last ones of its model, in ms; null while too little is known. */
export function hedgeAfterMs(durationsMs: readonly number[]): number | null {
  if (durationsMs.length < LEAST_CALLS) return null;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * SHARE) - 1] ?? null;
}

/** The calls that an entry carries: the one of its step, and a hedge beside it. The hedge comes first. */
export function callsOfStep({ attempts }: JobState, number: number): Attempt[] {
  return attempts.filter((attempt) => attempt.number === number || attempt.hedges === number).toReversed();
}
