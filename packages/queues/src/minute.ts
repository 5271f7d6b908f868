/** How long the counters of a minute are kept: what the console shows, a day, and one more. */
export const STATS_KEPT_MS = 48 * 3_600_000;

/** Minutes since the epoch. */
export function minuteOf(ms: number): number {
  return Math.floor(ms / 60_000);
}
