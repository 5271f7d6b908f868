import type { Redis } from 'ioredis';

import type { Connection } from './pipeline.ts';

/** What is read of Redis again and again and may be a moment old: each process reads it once in so many ms. */
export class Reread<Value> {
  readonly #everyMs: number;
  readonly #read: (connection: Connection) => Promise<Value>;
  readonly #last = new WeakMap<Redis, { at: number; value: Promise<Value> }>();

  constructor(everyMs: number, read: (connection: Connection) => Promise<Value>) {
    this.#everyMs = everyMs;
    this.#read = read;
  }

  get(connection: Connection): Promise<Value> {
    const { redis } = connection;
    const last = this.#last.get(redis);
    // By a clock that nobody sets.
    const now = performance.now();
    if (last !== undefined && now - last.at < this.#everyMs) return last.value;
    const reading = { at: now, value: this.#read(connection) };
    this.#last.set(redis, reading);
    // An error is for those who asked: the next one asks anew.
    reading.value.catch(() => {
      if (this.#last.get(redis) === reading) this.#last.delete(redis);
    });
    return reading.value;
  }

  /** What this process has just written it reads at once. */
  forget({ redis }: Connection): void {
    this.#last.delete(redis);
  }
}
