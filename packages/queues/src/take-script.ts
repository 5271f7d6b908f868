import { createRequire } from 'node:module';

import type { Redis } from 'ioredis';
import { Packr } from 'msgpackr';

import { delayedScorePerMs } from './catalogue.ts';
import type { CellKeys } from './names.ts';
import { scriptOf } from './script.ts';

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
 * Where a queue is paused or limited, or a delayed entry has come due, BullMQ's own script takes the first entry, so that these are
 * its business. All others are taken as it would take them, many in one call.
 */
const require = createRequire(import.meta.url);
const { moveToActive } = require('bullmq/dist/cjs/scripts/moveToActive-11.js') as { moveToActive: { content: string } };

/**
 * KEYS and ARGV 1 to 3: those of moveToActive. ARGV 4: how many at most; 5: the token of locks that are made at once, or empty; 6: how
 * long they hold, in ms; 7: what stands before the id in the key of a record.
 */
const script = `
local function moveToActive(KEYS, ARGV)
${moveToActive.content}
end
local wait, active, prioritized, delayed, marker = KEYS[1], KEYS[2], KEYS[3], KEYS[7], KEYS[11]
local prefix = ARGV[1]
local call = redis.call
local function firstDue()
  local score = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  return score and math.floor(tonumber(score) / ${delayedScorePerMs})
end

local ids, most = {}, tonumber(ARGV[4])
local settings = call('HMGET', KEYS[9], 'paused', 'concurrency', 'max')
local due = firstDue()
if settings[1] or settings[2] or settings[3] or (due and due <= tonumber(ARGV[2])) then
  local first = moveToActive(KEYS, {ARGV[1], ARGV[2], ARGV[3]})
  if type(first[1]) ~= 'table' then return {{}, first[3] or 0, first[4] or 0, 1} end
  ids[1] = first[2]
  due = firstDue()
  if settings[2] or settings[3] then most = 1 end
end

local drained = false
if most > #ids then
  local taken = call('RPOP', wait, most - #ids) or {}
  local left = most - #ids - #taken
  if left > 0 then
    local prioritizedOnes = call('ZPOPMIN', prioritized, left)
    for position = 1, #prioritizedOnes, 2 do taken[#taken + 1] = prioritizedOnes[position] end
    drained = #prioritizedOnes < 2 * left
  end
  if #taken > 0 then call('LPUSH', active, unpack(taken)) end
  for _, id in ipairs(taken) do
    ids[#ids + 1] = id
    if ARGV[5] ~= '' then call('SET', prefix .. id .. ':lock', ARGV[5], 'PX', ARGV[6]) end
  end
  -- Others are woken where more may wait, and only there.
  if drained then call('ZREM', marker, '0') else call('ZADD', marker, '0', '0') end
end

local entries = {}
for position, id in ipairs(ids) do
  local entry = call('HMGET', prefix .. id, 'data', 'defa', 'stc')
  local attempt = string.match(id, '%.score%-(%d+)%.')
  local record = call('HMGET', ARGV[7] .. string.match(id, '^[^.]*'), 'version', 'state', 'request', 'traceparent', 'alone', 'answer:' .. (attempt or ''))
  entries[position] = {id, entry[1], entry[2], entry[3], unpack(record)}
end
return {entries, 0, drained and due or 0, drained and 1 or 0}
`;

const packr = new Packr({ useRecords: false });

/** BullMQ's keys of a queue that its script takes, in its order. */
const KEY_NAMES = ['wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'];

type Row = [id: string, data: string | null, ...Array<string | null>];
type Reply = [Row[], limitedMs: number | string, nextDelayedAt: number | string, drained: number];

/** Takes up to `most` entries off a queue. */
export type Take = (most: number) => Promise<Taken>;

/**
 * Makes the script known to a connection.
 *
 * @param lock of the entries that are taken; null where they are not locked
 */
export function defineTake(redis: Redis, keys: CellKeys, queue: string, lock: { token: string; holdsMs: number } | null): Take {
  const command = scriptOf<Reply>(redis, 'upshiftTake', script, KEY_NAMES.length);
  const prefix = `${keys.prefix}:${queue}:`;
  const queueKeys = KEY_NAMES.map((name) => prefix + name);
  // BullMQ's script makes no lock for the token '0'.
  const options = packr.pack({ token: lock?.token ?? '0', lockDuration: lock?.holdsMs ?? 0 });
  return async (most) => {
    const [rows, limitedMs, nextDelayedAt, drained] = await command(
      ...queueKeys,
      prefix,
      Date.now(),
      options,
      most,
      lock?.token ?? '',
      lock?.holdsMs ?? 0,
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
