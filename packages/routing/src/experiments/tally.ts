/** How many values were seen, their sum, and the sum of their squares: all that inference here needs. */
export interface Tally {
  count: number;
  sum: number;
  squares: number;
}

export const emptyTally: Tally = { count: 0, sum: 0, squares: 0 };

export function tallyOf(values: number[]): Tally {
  return values.reduce<Tally>((tally, value) => plus(tally, { count: 1, sum: value, squares: value * value }), emptyTally);
}

export function plus(one: Tally, other: Tally): Tally {
  return { count: one.count + other.count, sum: one.sum + other.sum, squares: one.squares + other.squares };
}

/** What was added since `earlier`. */
export function minus(later: Tally, earlier: Tally): Tally {
  return { count: later.count - earlier.count, sum: later.sum - earlier.sum, squares: later.squares - earlier.squares };
}

/** The mean, or null of nothing. */
export function meanOf({ count, sum }: Tally): number | null {
  return count === 0 ? null : sum / count;
}
