import { setTimeout as pause } from 'node:timers/promises';

import { isRunning } from '../local-redis-process.ts';
import { startLocalRedis } from '../local-redis.ts';
import type { LocalRedis, LocalRedisOptions } from '../local-redis.ts';

/** How often the server is looked at, in ms. */
const LOOK_EACH_MS = 500;
/** After a start that failed, in ms. */
const RETRY_MS = 10_000;

/**
 * A private Redis that is started again where it dies, on the same data and socket: all who use it find it again by themselves. One that runs
 * in a container, or is another process's, is left to whoever looks after that.
 */
export async function keepLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  const first = await startLocalRedis(options);
  if (first.pid === null || first.owner !== process.pid) return first;
  const stopping = new AbortController();
  let redis = first;
  const look = async (): Promise<void> => {
    if (redis.pid === null || (await isRunning(redis.pid))) return;
    options.say('redis ended; starting it again');
    try {
      redis = await startLocalRedis(options);
    } catch (error) {
      options.say(`redis could not start: ${error instanceof Error ? error.message : String(error)}`);
      await pause(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look();
      await pause(LOOK_EACH_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const watching = watch();
  const stop = async (): Promise<void> => {
    stopping.abort();
    await watching;
    await redis.stop();
  };
  return { ...first, stop };
}
