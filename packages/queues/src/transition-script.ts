import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

import type { Redis } from 'ioredis';

import { BATCHES_KEPT } from './catalogue.ts';
import { minuteOf, STATS_KEPT_MS } from './minute.ts';
import type { CellKeys } from './names.ts';
import { scriptOf } from './script.ts';
import { Batch } from './transition-batch.ts';
import type { Request, TransitionReply } from './transition.ts';

/**
 * An entry that waits for its time is added by BullMQ's own script: the order of delayed entries is its business. All other entries
 * are added and finished here, in BullMQ's layout; the conformance test pins the version for which that was checked.
 */
const require = createRequire(import.meta.url);
const { addDelayedJob } = require('bullmq/dist/cjs/scripts/addDelayedJob-6.js') as { addDelayedJob: { content: string } };

/** Finished entries that the board can show, per queue. */
const KEPT_ENTRIES = 100;
/** Of a batch so many at most: under load the board shows a sample, and each costs as much as a step. */
const KEPT_OF_BATCH = 4;

/**
 * One Lua script makes every step of a job atomic: it fences by the record's version, writes the record and its trail, keeps the
 * indexes, takes the step's own entry off its queue and puts the next one on. A crash can so fall before or after a step, never
 * inside it. Steps of many jobs go in one call; each stands for itself. See docs/decisions/2026-11-24-batches-of-steps.md.
 *
 * KEYS: deadlines, queues, events, stats of the minute, expiries, nothing. ARGV: now in ms, what all keys of the cell begin with, how many labels are
 * kept, the name of this call, the requests as JSON (texts that many of them share, kinds of entries, and a row for each), then what rows name by its position here:
 * fields of records, which are long (Lua reads every character of a text once for each time that it is handed on), texts that are JSON
 * themselves, and the arguments of BullMQ's script for delayed entries (bytes, which JSON does not have).
 *
 * A connection that breaks off sends again what it had no answer to, and Redis may have done it: a record names the call by which it was
 * written last, and the place in it, so that a step is not taken for somebody else's.
 *
 * Inside Redis a command costs more than what it does, so that writes to the same key are gathered over the whole batch and done
 * together at its end. Nobody sees the time between: a script is atomic. Numbers come as texts, since Redis writes each number that a
 * script hands to a command with 17 digits, which costs half as much as the command.
 */
const script = `
local function addDelayedJob(KEYS, ARGV)
${addDelayedJob.content}
end
local deadlines, queues, events, stats, expiries = unpack(KEYS)
local now, cell, labelsKept, caller = unpack(ARGV, 1, 4)
local shared, kinds, requests = unpack(cjson.decode(ARGV[5]))
local call = redis.call

-- Arguments of a command on a key, gathered over the batch: one or two at a time.
local function gather(lists, key, first, second)
  local list = lists[key]
  if not list then
    list = {}
    lists[key] = list
  end
  local count = #list
  list[count + 1] = first
  if second then list[count + 2] = second end
end
local entered, left, told, sums, steps = {}, {}, {}, {}, {}
local begun, ended, endedDeadlines, reopened, reopenedDeadlines = {}, {}, {}, {}, {}
local waiting, prioritized, worked = {}, {}, {}

-- The next number in the order of a queue's prioritized entries; as many as there are requests are reserved at once.
local numbers = {}
local function nextNumber(prefix)
  local number = numbers[prefix] or call('INCRBY', prefix .. 'pc', #requests) - #requests
  numbers[prefix] = number + 1
  return (number + 1) % 0x100000000
end

local function add(job, entry)
  local kind, suffix, data, delayed = unpack(entry)
  local queue, name, options, priority = unpack(kinds[kind])
  begun[queue] = true
  if delayed then
    local keys, arguments = unpack(delayed)
    return addDelayedJob(keys, {unpack(ARGV, arguments[1], arguments[2])})
  end
  local prefix, id = cell .. queue .. ':', job .. suffix
  call('HSET', prefix .. id, 'name', name, 'data', ARGV[data], 'opts', options, 'timestamp', now, 'delay', '0', 'priority', priority)
  if priority ~= '0' then gather(prioritized, prefix, string.format('%d', priority * 0x100000000 + nextNumber(prefix)), id)
  else gather(waiting, prefix, id) end
end

-- Off its queue, unless another consumer has locked it by now, or it went back because it stalled. Some stay for the board to show.
local kept, gone = {}, {}
local function finish(held)
  local queue, id, token = unpack(held)
  local prefix = cell .. shared[queue] .. ':'
  if token and call('GET', prefix .. id .. ':lock') ~= shared[token] then return end
  if call('LREM', prefix .. 'active', -1, id) == 0 then return end
  gather(worked, prefix, id)
  if token then gone[#gone + 1] = prefix .. id .. ':lock' end
  kept[prefix] = (kept[prefix] or 0) + 1
  if kept[prefix] > ${KEPT_OF_BATCH} then
    gone[#gone + 1] = prefix .. id
    return
  end
  call('HSET', prefix .. id, 'finishedOn', now)
  call('ZADD', prefix .. 'completed', now, id)
end

local function transition(t, by)
  local id, version, fields, step, counters, enters, leaves, entry, held, atEnd = unpack(t)
  local job = cell .. 'job:' .. id
  local known = call('HGET', job, 'version') or '0'
  if known ~= version then return {call('HGET', job, 'by') == by and 'ok' or 'conflict'} end
  -- Without a version a record is new, or there is none.
  if version == '0' and call('EXISTS', job) == 0 then return {'conflict'} end
  call('HSET', job, 'by', by, unpack(ARGV, fields[1], fields[2]))
  if step then steps[#steps + 1] = ARGV[step] end
  for at = 1, #counters, 2 do
    local counter = counters[at]
    sums[counter] = (sums[counter] or 0) + counters[at + 1]
  end
  for _, index in ipairs(enters) do gather(entered, index, '0', id) end
  for _, index in ipairs(leaves) do gather(left, index, id) end
  if entry then add(id, entry) end
  if held then finish(held) end
  if not atEnd then return {'ok'} end
  local expiresAt, deadline, isReopened, publish, outcome, label = unpack(atEnd)
  if expiresAt then
    gather(ended, expiries, expiresAt, id)
    if deadline then gather(endedDeadlines, deadlines, id) end
  elseif isReopened then
    if deadline then gather(reopenedDeadlines, deadlines, deadline, id) end
    gather(reopened, expiries, id)
  end
  for _, channel in ipairs(publish) do gather(told, channel, id) end
  if outcome then call('XADD', cell .. 'outcomes', '*', 'outcome', ARGV[outcome]) end
  local seen = label and call('HGET', job, 'seen')
  if seen then call('XADD', cell .. 'labels', 'MAXLEN', '~', labelsKept, '*', 'label', ARGV[label], 'seen', seen) end
  return {'ok'}
end

local replies = {}
for position, t in ipairs(requests) do
  local done, reply = true, {'ok'}
  if t[1] then done, reply = pcall(transition, t, caller .. '.' .. position) else finish(t[2]) end
  local reason = not done and (type(reply) == 'table' and reply.err or tostring(reply))
  -- Nothing of the batch can be written. As an error of the whole call it tells the connection that this server is a replica now.
  if reason and string.find(reason, 'READONLY', 1, true) then return redis.error_reply(reason) end
  replies[position] = done and reply or {'error', reason}
end

-- In any order: a batch has one step of a job at most, because the next one needs the version that this one answers.
local function carryOut(command, lists, before, behind)
  for key, list in pairs(lists) do call(command, before .. key .. behind, unpack(list)) end
end
local function named(lists)
  local all = {}
  for text, list in pairs(lists) do all[shared[text]] = list end
  return all
end
carryOut('LPUSH', waiting, '', 'wait')
carryOut('ZADD', prioritized, '', 'prioritized')
for queue in pairs(begun) do
  call('SADD', queues, queue)
  local prefix = cell .. queue .. ':'
  if waiting[prefix] or prioritized[prefix] then call('ZADD', prefix .. 'marker', '0', '0') end
end
carryOut('SREM', worked, '', 'stalled')
for prefix in pairs(kept) do
  local tooMany = call('ZRANGE', prefix .. 'completed', 0, -${KEPT_ENTRIES + 1})
  for _, id in ipairs(tooMany) do gone[#gone + 1] = prefix .. id end
  if #tooMany > 0 then call('ZREM', prefix .. 'completed', unpack(tooMany)) end
end
if #gone > 0 then call('DEL', unpack(gone)) end
carryOut('ZADD', named(entered), cell .. 'index:', '')
carryOut('ZREM', named(left), cell .. 'index:', '')
carryOut('ZADD', ended, '', '')
carryOut('ZREM', endedDeadlines, '', '')
carryOut('ZADD', reopenedDeadlines, '', '')
carryOut('ZREM', reopened, '', '')
for counter, sum in pairs(sums) do call('HINCRBY', stats, shared[counter], string.format('%.0f', sum)) end
if next(sums) then call('PEXPIRE', stats, ${STATS_KEPT_MS}) end
for channel, ids in pairs(named(told)) do call('PUBLISH', channel, table.concat(ids, ',')) end
if #steps > 0 then call('XADD', events, 'MAXLEN', '~', ${BATCHES_KEPT}, '*', 'steps', '[' .. table.concat(steps, ',') .. ']') end
return replies
`;

/** Makes the script known to a connection. */
export function defineTransitions(
  redis: Redis,
  keys: CellKeys,
): (requests: Request[], now: number, labelsKept: number) => Promise<TransitionReply[]> {
  const command = scriptOf<TransitionReply[]>(redis, 'upshiftTransitions', script, 6);
  const caller = randomBytes(6).toString('base64url');
  let calls = 0;
  return (requests, now, labelsKept) => {
    calls += 1;
    const batch = new Batch(now);
    for (const request of requests) batch.add(request);
    return command(
      keys.deadlines,
      keys.queues,
      keys.events,
      keys.stats(minuteOf(now)),
      keys.expiries,
      keys.nothing,
      now,
      `${keys.prefix}:`,
      labelsKept,
      `${caller}${calls.toString(36)}`,
      batch.json(),
      ...batch.texts,
    );
  };
}
