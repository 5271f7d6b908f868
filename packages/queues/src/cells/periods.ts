import { withScores } from '../with-scores.ts';

/** From a time on (ms since the epoch) new jobs are spread over so many cells. */
export interface Period {
  cells: number;
  since: number;
}

/** Before there was more than one cell. */
const FIRST_PERIODS: Period[] = [{ cells: 1, since: 0 }];

/** From members and scores of Redis' sorted set, oldest first. */
export function parsePeriods(flat: string[]): Period[] {
  if (flat.length === 0) return FIRST_PERIODS;
  return withScores(flat).map(([cells, since]) => ({ cells: Number(cells), since }));
}

/** Over how many cells new jobs are spread at a time. */
export function cellsAt(periods: Period[], now: number): number {
  return (periods.findLast(({ since }) => since <= now) ?? periods[0]!).cells;
}

/** How many cells new jobs were ever spread over, or soon will be. */
export function mostCells(periods: Period[]): number {
  return Math.max(...periods.map(({ cells }) => cells));
}

/** The cell of a key, by its hash in hex. */
export function cellOfKey(hash: string, cells: number): number {
  return Number.parseInt(hash.slice(0, 8), 16) % cells;
}

/**
 * Other cells in which the claim of a key may stand: those that were its own until less than `keptMs` ago, and those that soon will be, for who
 * goes back to a number forgets since when it held before.
 */
export function earlierCells(periods: Period[], hash: string, now: number, keptMs: number): number[] {
  const current = cellOfKey(hash, cellsAt(periods, now));
  const kept = periods.filter((_, index) => now - endOf(periods, index) < keptMs);
  return [...new Set(kept.map(({ cells }) => cellOfKey(hash, cells)))].filter((cell) => cell !== current);
}

/** Those that had ended by a time: the one after them had begun. */
export function endedBy(periods: Period[], at: number): Period[] {
  return periods.filter((_, index) => endOf(periods, index) <= at);
}

function endOf(periods: Period[], index: number): number {
  return periods[index + 1]?.since ?? Infinity;
}
