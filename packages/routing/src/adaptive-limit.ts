import type { CallErrorCode } from '@upshift/contracts';

/** Outcomes by which a provider says that it has too much to do. */
const busy: readonly CallErrorCode[] = ['rate_limited', 'overloaded', 'timeout'];

/** As TCP does it: a busy provider takes nearly a third away at once, and every answer gives back a little. */
const SHARE_LEFT = 0.7;

/** What a call came to; null where it was not made. */
export type CallOutcome = CallErrorCode | 'answered' | null;

/**
 * The limit of calls in flight after a call, from 1 to `most`: one more for each full round of answers, so that it recovers within
 * some rounds of calls. Its whole part counts.
 */
export function adaptLimit(limit: number, most: number, outcome: CallOutcome): number {
  if (outcome === 'answered') return Math.min(most, limit + 1 / limit);
  return outcome !== null && busy.includes(outcome) ? Math.max(1, limit * SHARE_LEFT) : limit;
}
