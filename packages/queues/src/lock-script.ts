import type { Redis } from 'ioredis';

import type { CellKeys } from './names.ts';
import { scriptOf } from './script.ts';

/**
 * Locks entries that are in hand, or holds their locks for longer. One that is neither locked nor in hand any more has stalled and went
 * back to its queue. KEYS: active, stalled, nothing. ARGV: the queue's prefix, token, ms, ids. Gives the ids that are another consumer's now.
 */
const script = `
local call = redis.call
local prefix, token, holdsMs = ARGV[1], ARGV[2], ARGV[3]
local gone = {}
for position = 4, #ARGV do
  local id = ARGV[position]
  local lock = prefix .. id .. ':lock'
  local holder = call('GET', lock)
  if holder == token or (not holder and call('LPOS', KEYS[1], id)) then
    -- A full Redis refuses SET and not PEXPIRE: no lock runs out whose holder is at work.
    if holder then call('PEXPIRE', lock, holdsMs) else call('SET', lock, token, 'PX', holdsMs) end
    call('SREM', KEYS[2], id)
  else
    gone[#gone + 1] = id
  end
end
return gone
`;

/** Makes the script known to a connection; gives the function that locks entries and says which of them were lost. */
export function defineLock(
  redis: Redis,
  keys: CellKeys,
  queue: string,
  { token, holdsMs }: { token: string; holdsMs: number },
): (ids: string[]) => Promise<string[]> {
  const command = scriptOf<string[]>(redis, 'upshiftLock', script, 3);
  const prefix = `${keys.prefix}:${queue}:`;
  return (ids) => command(`${prefix}active`, `${prefix}stalled`, keys.nothing, prefix, token, holdsMs, ...ids);
}
