import { createRequire } from 'node:module';

import { Packr } from 'msgpackr';

import type { Pipeline } from './pipeline.ts';

/** An entry taken off its queue, with the record of its job. Texts are as stored; null where there is none. */
export interface TakenEntry {
  id: string;
  data: string;
  /** Why BullMQ wants it to fail instead of being worked on: it has stalled too often. */
  deferredFailure: string | null;
  /** How often its worker has died or hung. */
  stalls: number;
  /** Crashes that the job had seen when it was last begun alone. */
  aloneAt: number | null;
  version: string | null;
  state: string | null;
  request: string | null;
  /** The span in which the job was accepted. */
  traceparent: string | null;
  /** The answer that a `score` step is about. */
  answer: string | null;
}

export interface Taken {
  entries: TakenEntry[];
  /** How long the queue's rate limit holds, in ms; 0 for none. */
  limitedMs: number;
  /** Nothing more is to be had now. */
  drained: boolean;
  /** Where that is so: when the next delayed entry is due, in ms since the epoch; 0 for none. */
  nextDelayedAt: number;
}

/**
 * The first entry is taken by BullMQ's own script, so that pauses, rate limits, priorities and delays are its business. Where it
 * gives one and no limit is set, more are taken in the same call, as it would take them.
 */
const require = createRequire(import.meta.url);
const { moveToActive } = require('bullmq/dist/cjs/scripts/moveToActive-11.js') as { moveToActive: { content: string } };

/** BullMQ's script adds to the queue's event stream and nothing else of ours would cut it. */
const QUEUE_EVENTS_KEPT = 500;

/** KEYS and ARGV 1 to 3: those of moveToActive. ARGV 4: how many at most; 5: the lock's token; 6: how long it holds, in ms; 7: what stands before the id in the key of a record. */
const script = `
local function moveToActive(KEYS, ARGV)
${moveToActive.content}
end
local wait, active, prioritized = KEYS[1], KEYS[2], KEYS[3]
local prefix = ARGV[1]
local call = redis.call
local first = moveToActive(KEYS, {ARGV[1], ARGV[2], ARGV[3]})
if type(first[1]) ~= 'table' then return {{}, first[3] or 0, first[4] or 0, 1} end
call('XTRIM', KEYS[4], 'MAXLEN', '~', ${QUEUE_EVENTS_KEPT})
local ids = {first[2]}
local limits = call('HMGET', KEYS[9], 'concurrency', 'max')
local drained = false
local more = (limits[1] or limits[2]) and 0 or tonumber(ARGV[4]) - 1
if more > 0 then
  local taken = call('RPOP', wait, more) or {}
  if #taken < more then
    local prioritizedOnes = call('ZPOPMIN', prioritized, more - #taken)
    for position = 1, #prioritizedOnes, 2 do taken[#taken + 1] = prioritizedOnes[position] end
  end
  drained = #taken < more
  -- Nothing waits any more: nobody is to be woken.
  if drained then call('ZREM', KEYS[11], '0') end
  if #taken > 0 then call('LPUSH', active, unpack(taken)) end
  for _, id in ipairs(taken) do
    ids[#ids + 1] = id
    call('SET', prefix .. id .. ':lock', ARGV[5], 'PX', ARGV[6])
  end
end
local entries = {}
for position, id in ipairs(ids) do
  local entry = call('HMGET', prefix .. id, 'data', 'defa', 'stc')
  local attempt = string.match(id, '%.score%-(%d+)%.')
  local record = call('HMGET', ARGV[7] .. string.match(id, '^[^.]*'), 'version', 'state', 'request', 'traceparent', 'alone', 'answer:' .. (attempt or ''))
  entries[position] = {id, entry[1], entry[2], entry[3], unpack(record)}
end
local due = drained and call('ZRANGE', KEYS[7], 0, 0, 'WITHSCORES')[2]
return {entries, 0, due and math.floor(tonumber(due) / 0x1000) or 0, drained and 1 or 0}
`;

const packr = new Packr({ useRecords: false });

/** BullMQ's keys of a queue that its script takes, in its order. */
const KEY_NAMES = ['wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'];

type Row = [id: string, data: string | null, ...Array<string | null>];
type Command = (
  ...keysAndArguments: (string | number | Buffer)[]
) => Promise<[Row[], limitedMs: number | string, nextDelayedAt: number | string, drained: number]>;

/** Makes the script known to a connection; gives the function that takes up to `most` entries off a queue. */
export function defineTake(
  { redis, keys }: Pick<Pipeline, 'redis' | 'keys'>,
  queue: string,
  { token, lockMs }: { token: string; lockMs: number },
): (most: number) => Promise<Taken> {
  redis.defineCommand('upshiftTake', { lua: script, numberOfKeys: KEY_NAMES.length });
  const command = (redis as unknown as { upshiftTake: Command }).upshiftTake.bind(redis);
  const prefix = `${keys.prefix}:${queue}:`;
  const queueKeys = KEY_NAMES.map((name) => prefix + name);
  const options = packr.pack({ token, lockDuration: lockMs });
  return async (most) => {
    const [rows, limitedMs, nextDelayedAt, drained] = await command(
      ...queueKeys,
      prefix,
      Date.now(),
      options,
      most,
      token,
      lockMs,
      keys.job(''),
    );
    return {
      entries: rows.map(
        ([
          id,
          data,
          deferredFailure = null,
          stalls = null,
          version = null,
          state = null,
          request = null,
          traceparent = null,
          alone = null,
          answer = null,
        ]) => ({
          id,
          data: data ?? '',
          deferredFailure,
          stalls: Number(stalls ?? 0),
          aloneAt: alone === null ? null : Number(alone),
          version,
          state,
          request,
          traceparent,
          answer,
        }),
      ),
      limitedMs: Number(limitedMs),
      nextDelayedAt: Number(nextDelayedAt),
      drained: drained === 1,
    };
  };
}
