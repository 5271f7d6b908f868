import type { Logger } from '@upshift/runtime';
import { Cluster, Redis } from 'ioredis';

import { severalNodes, unreadable, withoutPassword } from './redis-url.ts';
import { UnfitRedisError } from './unfit-redis-error.ts';

/** Longest pause between two tries to reach Redis: BullMQ resumes late where this is long. */
const LONGEST_RECONNECT_MS = 1000;

const retryStrategy = (times: number): number => Math.min(times * 50, LONGEST_RECONNECT_MS);

/**
 * A server that is a read-only replica now is no longer the one that the name stands for: the connection is made anew. The command is not sent
 * again by itself, so that whoever sent it keeps the pause between tries.
 */
const RECONNECT = 1;
const reconnectOnError = ({ message }: Error): false | typeof RECONNECT => (/\bREADONLY\b/.test(message) ? RECONNECT : false);

/**
 * A connection to one server, to what its sentinels name, or to a cluster: see `REDIS_URL`. `failFast` is for the API: a command
 * fails at once while Redis is away, so that the client gets a 503; workers wait for it to come back instead.
 */
export function connect(url: string, { failFast }: { failFast: boolean }): Redis {
  const options = {
    retryStrategy,
    reconnectOnError,
    maxRetriesPerRequest: failFast ? 1 : null,
    ...(failFast ? { commandTimeout: 5000 } : {}),
  };
  const whole = { ...options, enableOfflineQueue: !failFast, lazyConnect: true };
  if (url.startsWith('unix://')) return new Redis({ ...whole, path: url.slice('unix://'.length) });
  const several = severalNodes(url);
  if (several === null) return readable(() => new Redis(url, whole));
  const { nodes, name, access, sentinelAccess } = several;
  if (name !== null) {
    // Without these two `tls` is not heeded where there are sentinels: both they and the master would be spoken to in plain text.
    const secured = access.tls ? { enableTLSForSentinelMode: true, sentinelTLS: access.tls } : {};
    const entered = { ...access, ...secured, ...sentinelAccess };
    return new Redis({ ...whole, ...entered, sentinels: nodes, name, sentinelRetryStrategy: retryStrategy });
  }
  const cluster = new Cluster(nodes, {
    clusterRetryStrategy: retryStrategy,
    enableOfflineQueue: !failFast,
    lazyConnect: true,
    // Else a command fails after 1.6 s without a node for its slot: less than a failover takes.
    ...(failFast ? {} : { maxRedirections: Infinity }),
    redisOptions: { ...options, ...access },
  });
  // The same commands; only the types differ, in overloads that a union of both would lose.
  return cluster as unknown as Redis;
}

function readable(open: () => Redis): Redis {
  try {
    return open();
  } catch (error) {
    // Neither is told: they quote the URL.
    if (error instanceof TypeError || error instanceof URIError) throw unreadable();
    throw error;
  }
}

/**
 * Connects. Throws an `UnfitRedisError` where Redis can not be reached at all: at start that is a mistake in the settings. A cluster
 * that answers but is not whole is waited for: the client tries again by itself then, without ever settling `connect()` (ioredis 6.0).
 */
export async function reach(redis: Redis, url: string, logger: Logger): Promise<void> {
  const ready = new Promise<void>((resolve) => void redis.once('ready', resolve));
  let settled = false;
  const sayThatItWaits = (): void => {
    // In the next turn: the client tries again for a moment also where it gives up.
    setImmediate(() => {
      if (!settled) logger.warn('the cluster has slots that no node serves: waiting until it is whole');
    });
  };
  const several: unknown = redis;
  if (several instanceof Cluster) several.once('reconnecting', sayThatItWaits);
  try {
    await Promise.race([ready, redis.connect()]);
  } catch (error) {
    redis.disconnect();
    throw new UnfitRedisError(
      `Redis at ${withoutPassword(url)} can not be reached (${error instanceof Error ? error.message : String(error)}). REDIS_URL says which to use.`,
    );
  } finally {
    settled = true;
    redis.off('reconnecting', sayThatItWaits);
  }
}

/** From this version on Redis runs the scripts that are sent to it. */
const OLDEST_VERSION = 7;

/**
 * Throws unless Redis runs what is sent to it and, where it is not disposable, keeps what it acknowledged: append-only file on, and nothing
 * evicted. In a cluster, every master.
 */
export async function assertFit(redis: Redis, disposable: boolean): Promise<void> {
  const several: unknown = redis;
  const servers = several instanceof Cluster ? several.nodes('master') : [redis];
  await Promise.all(servers.map((server) => assertServerFit(server, disposable)));
}

async function assertServerFit(redis: Redis, disposable: boolean): Promise<void> {
  // INFO alone: CONFIG is for administrators, and managed servers have none.
  const info = await redis.info();
  const [version = ''] = /(?<=redis_version:)\S+/.exec(info) ?? [];
  if (Number.parseInt(version, 10) < OLDEST_VERSION)
    throw new UnfitRedisError(`Redis has version ${version}: Upshift needs ${OLDEST_VERSION} or later.`);
  if (disposable) return;
  if (!/aof_enabled:1/.test(info)) {
    throw new UnfitRedisError(
      'Redis has no append-only file (appendonly no): a crash would lose accepted jobs. Set appendonly yes, or UPSHIFT_DISPOSABLE_REDIS=true where losing them does not matter.',
    );
  }
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
  if (policy !== 'noeviction') {
    throw new UnfitRedisError(
      `Redis may evict keys (maxmemory-policy ${policy}): queues and jobs would vanish. Set maxmemory-policy noeviction, or UPSHIFT_DISPOSABLE_REDIS=true where losing them does not matter.`,
    );
  }
}
