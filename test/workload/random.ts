import { createHash } from 'node:crypto';

/** Repeatable chance: the same seed text draws the same values on every build. */
export class Random {
  #state: number;

  constructor(seed: string) {
    this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  pick<Value>(values: readonly Value[]): Value {
    return at(values, this.between(0, values.length - 1));
  }

  shuffled<Value>(values: readonly Value[]): Value[] {
    const drawn = values.map((value) => ({ value, order: this.fraction() }));
    return drawn.toSorted((left, right) => left.order - right.order).map(({ value }) => value);
  }
}

/** The value at an index that wraps round, so that a short list serves any number of rows. */
export function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index % values.length];
  if (value === undefined) throw new Error(`no value at ${index}`);
  return value;
}
