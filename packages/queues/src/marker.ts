import { setTimeout as pause } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { connect } from './connection.ts';
import type { Pipeline } from './pipeline.ts';

/** A wait that takes so much longer than it was to is a connection that no longer answers, in ms. */
const LATE_MS = 5000;
/** How long Redis may take to end a wait, in ms. */
const ENDS_WITHIN_MS = 500;

/** BullMQ's word that an entry of a queue may be there, or when a delayed one is due: one of all processes that wait hears it. */
export class Marker {
  /** What this process waits on: a command that is sent behind a wait is done when that is over. */
  readonly connection: Redis;
  readonly #redis: Redis;
  readonly #key: string;
  /** Only this process hears of it. */
  readonly #wakeKey: string;

  constructor({ url, redis, keys }: Pipeline, queue: string, token: string) {
    this.connection = connect(url, { failFast: false });
    this.#redis = redis;
    this.#key = `${keys.prefix}:${queue}:marker`;
    this.#wakeKey = `${keys.prefix}:${queue}:wake:${token}`;
  }

  /** Says that an entry may be there, to one process that waits. */
  async give(): Promise<void> {
    await this.#redis.zadd(this.#key, 0, '0');
  }

  async wait(seconds: number): Promise<void> {
    const late = setTimeout(() => this.connection.disconnect(true), seconds * 1000 + LATE_MS);
    try {
      await this.connection.bzpopmin(this.#key, this.#wakeKey, seconds);
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * Ends the wait. What was taken in the same moment is still worked on: the connection is cut only where Redis does not answer.
   *
   * @param ended resolves when nothing is waited for any more
   */
  async end(ended: Promise<void>): Promise<void> {
    void this.#redis.zadd(this.#wakeKey, 0, 'wake').catch(() => undefined);
    await Promise.race([ended, pause(ENDS_WITHIN_MS)]);
    this.connection.disconnect();
    void this.#redis.del(this.#wakeKey).catch(() => undefined);
  }
}
