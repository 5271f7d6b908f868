import { Redis } from 'ioredis';

/** Redis is not fit to hold what clients were promised. */
export class UnfitRedisError extends Error {
  readonly expected = true;
}

/** Longest pause between two tries to reach Redis: BullMQ resumes late where this is long. */
const LONGEST_RECONNECT_MS = 1000;

/**
 * A connection. `failFast` is for the API: a command fails at once while Redis is away, so that the client gets a 503;
 * workers wait for it to come back instead.
 */
export function connect(url: string, { failFast }: { failFast: boolean }): Redis {
  const options = {
    retryStrategy: (times: number) => Math.min(times * 50, LONGEST_RECONNECT_MS),
    maxRetriesPerRequest: failFast ? 1 : null,
    enableOfflineQueue: !failFast,
    ...(failFast ? { commandTimeout: 5000 } : {}),
    lazyConnect: true,
  };
  return url.startsWith('unix://') ? new Redis({ ...options, path: url.slice('unix://'.length) }) : new Redis(url, options);
}

/** Connects. Throws an `UnfitRedisError` where Redis can not be reached at all: at start that is a mistake in the settings. */
export async function reach(redis: Redis): Promise<void> {
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const { path, host, port } = redis.options;
    const where = path ?? `${host}:${port}`;
    throw new UnfitRedisError(
      `Redis at ${where} can not be reached (${error instanceof Error ? error.message : String(error)}). REDIS_URL says which to use.`,
    );
  }
}

/** Throws unless Redis keeps what it acknowledged: append-only file on, and nothing evicted. */
export async function assertDurable(redis: Redis): Promise<void> {
  const persistence = await redis.info('persistence');
  const policy = await redis.config('GET', 'maxmemory-policy');
  if (!/aof_enabled:1/.test(persistence)) {
    throw new UnfitRedisError(
      'Redis has no append-only file (appendonly no): a crash would lose accepted jobs. Set appendonly yes, or UPSHIFT_DISPOSABLE_REDIS=true where losing them does not matter.',
    );
  }
  if (policy[1] !== 'noeviction') {
    throw new UnfitRedisError(
      `Redis may evict keys (maxmemory-policy ${policy[1]}): queues and jobs would vanish. Set maxmemory-policy noeviction, or UPSHIFT_DISPOSABLE_REDIS=true where losing them does not matter.`,
    );
  }
}
