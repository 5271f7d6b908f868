import { randomUUID } from 'node:crypto';

import { globalKeys } from './names.ts';
import type { Connection } from './pipeline.ts';
import { RUNS_WHEN_FULL } from './when-full.ts';

/** The steward makes room in a full Redis, and needs its lease for that. */
const renewOrTake = `${RUNS_WHEN_FULL}
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0`;

const release = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** A right that one process at a time has, for as long as it keeps asking. */
interface Lease {
  /** True where this process holds the lease for the next `ms`. */
  hold(ms: number): Promise<boolean>;
  release(): Promise<void>;
}

export function leaseOf({ redis }: Connection, name: string): Lease {
  const holder = randomUUID();
  return {
    hold: async (ms) => (await redis.eval(renewOrTake, 1, globalKeys.lease(name), holder, ms)) === 1,
    release: async () => void (await redis.eval(release, 1, globalKeys.lease(name), holder)),
  };
}
