import type { Redis } from 'ioredis';

/**
 * Before a script that a full Redis runs too (version 7 and later), though it refuses all others that write. For what is small, replaces
 * itself, and is needed so that room can be made.
 */
export const RUNS_WHEN_FULL = '#!lua flags=allow-oom\n';

const setScript = `${RUNS_WHEN_FULL}redis.call('SET', KEYS[1], ARGV[1])`;
const setFieldsScript = `${RUNS_WHEN_FULL}redis.call('HSET', KEYS[1], unpack(ARGV))`;

/** SET, on a full Redis too. */
export async function setWhenFull(redis: Redis, key: string, value: string): Promise<void> {
  await redis.eval(setScript, 1, key, value);
}

/** HSET, on a full Redis too. */
export async function setFieldsWhenFull(redis: Redis, key: string, fields: string[]): Promise<void> {
  await redis.eval(setFieldsScript, 1, key, ...fields);
}
