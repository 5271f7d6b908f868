import { createRequire } from 'node:module';

import type { Redis } from 'ioredis';

import type { QueueEntry } from './entries.ts';
import type { CellKeys } from './names.ts';
import { minuteOf, STATS_KEPT_MS } from './stats.ts';

/**
 * One Lua script makes every step of a job atomic: it fences by the record's version, writes the record and its trail, keeps the
 * indexes, takes the step's own entry off its queue and puts the next one on. A crash can so fall before or after a step, never
 * inside it. Steps of many jobs go in one call; each stands for itself. See docs/decisions/2026-11-24-batches-of-steps.md.
 */
export interface Transition {
  id: string;
  /** The version on which it was decided; 0 for a job to which nothing has happened since it was accepted. */
  version: number;
  status: string;
  route: string;
  task: string;
  /** Field-value pairs of the record, with what is new in its trail. */
  fields: string[];
  /** How many lines are new in its trail. */
  lines: number;
  /** Name-amount pairs. */
  counters: (string | number)[];
  enters: string[];
  leaves: string[];
  /** Ms for which the job is kept from now on, where it has ended. */
  keptMs: number | null;
  /** Ms since the epoch. */
  deadline: number | null;
  /** An ended job that runs again. */
  reopened: boolean;
  entry: QueueEntry | null;
  held: HeldEntry | null;
  /** Channels that are told the job's id. */
  publish: string[];
  /** What a job of an experiment came to, for its evaluator. */
  outcome: string | null;
}

/** An entry that a consumer has taken off its queue. */
export interface HeldEntry {
  queue: string;
  id: string;
  /** Of its lock; null while it has none, because it was taken a moment ago. */
  token: string | null;
}

export type TransitionReply = ['ok'] | ['conflict'] | ['error', string];

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

/** About how many batches of steps the stream of events remembers, for clients that come back after a pause. */
export const BATCHES_KEPT = 2000;

/**
 * KEYS: deadlines, queues, events, stats of the minute, expiries. ARGV: now in ms, the requests as JSON, what all keys of
 * the cell begin with, then what the requests name by its first and last position here: fields of records, which are long (Lua reads every character of a text once for each time that it is handed on), and the arguments of BullMQ's script for
 * delayed entries (bytes, which JSON does not have).
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
local now = ARGV[1]
local requests = cjson.decode(ARGV[2])
local cell = ARGV[3]
local call = redis.call

-- Arguments of a command on a key, gathered over the batch: one or two at a time.
local gathered = {}
local function gather(command, key, first, second)
  local ofCommand = gathered[command]
  if not ofCommand then
    ofCommand = {}
    gathered[command] = ofCommand
  end
  local arguments = ofCommand[key]
  if not arguments then
    arguments = {}
    ofCommand[key] = arguments
  end
  local count = #arguments
  arguments[count + 1] = first
  if second then arguments[count + 2] = second end
end

-- The next number in the order of a queue's prioritized entries; as many as there are requests are reserved at once.
local numbers = {}
local function nextNumber(prefix)
  local number = numbers[prefix] or call('INCRBY', prefix .. 'pc', #requests) - #requests
  numbers[prefix] = number + 1
  return (number + 1) % 0x100000000
end

local known, markers = {}, {}
local function add(entry)
  local queue, id, name, data, options, priority, delayed = unpack(entry)
  if not known[queue] then
    known[queue] = true
    call('SADD', queues, queue)
  end
  if delayed then
    local keys, first, last = unpack(delayed)
    return addDelayedJob(keys, {unpack(ARGV, first, last)})
  end
  local prefix = cell .. queue .. ':'
  call('HSET', prefix .. id, 'name', name, 'data', data, 'opts', options, 'timestamp', now, 'delay', '0', 'priority', priority)
  if priority ~= '0' then gather('ZADD', prefix .. 'prioritized', tonumber(priority) * 0x100000000 + nextNumber(prefix), id)
  else gather('LPUSH', prefix .. 'wait', id) end
  markers[prefix] = true
end

-- Off its queue, unless another consumer has locked it by now, or it went back because it stalled. Some stay for the board to show.
local kept, gone = {}, {}
local function finish(held)
  local queue, id, token = unpack(held)
  local prefix = cell .. queue .. ':'
  if token and call('GET', prefix .. id .. ':lock') ~= token then return end
  if call('LREM', prefix .. 'active', -1, id) == 0 then return end
  gather('SREM', prefix .. 'stalled', id)
  if token then gone[#gone + 1] = prefix .. id .. ':lock' end
  kept[prefix] = (kept[prefix] or 0) + 1
  if kept[prefix] > ${KEPT_OF_BATCH} then
    gone[#gone + 1] = prefix .. id
    return
  end
  call('HSET', prefix .. id, 'finishedOn', now)
  gather('ZADD', prefix .. 'completed', now, id)
end

local function transition(t)
  local id, version, next, status, route, task, fields, lines, counters, enters, leaves, keptMs, deadline, reopened, entry, held, publish, outcome =
    unpack(t)
  local job = cell .. 'job:' .. id
  if (call('HGET', job, 'version') or '0') ~= version then return {'conflict'} end
  -- Without a version a record is new, or there is none.
  if version == '0' and call('EXISTS', job) == 0 then return {'conflict'} end
  call('HSET', job, 'version', next, unpack(ARGV, fields[1], fields[2]))
  if lines > 0 then gather('XADD', events, {id, route, task, status, next, lines}) end
  for at = 1, #counters, 2 do gather('HINCRBY', counters[at], counters[at + 1]) end
  for _, index in ipairs(enters) do gather('ZADD', cell .. 'index:' .. index, '0', id) end
  for _, index in ipairs(leaves) do gather('ZREM', cell .. 'index:' .. index, id) end
  if keptMs then
    gather('ZADD', expiries, now + keptMs, id)
    if deadline then gather('ZREM', deadlines, id) end
  elseif reopened then
    if deadline then gather('ZADD', deadlines, deadline, id) end
    gather('ZREM', expiries, id)
  end
  if entry then add(entry) end
  if held then finish(held) end
  if outcome then call('XADD', cell .. 'outcomes', '*', 'outcome', outcome) end
  for _, channel in ipairs(publish) do gather('PUBLISH', channel, id) end
  return {'ok'}
end

local replies = {}
for position, t in ipairs(requests) do
  local done, reply = true, {'ok'}
  if t[1] then done, reply = pcall(transition, t) else finish(t[2]) end
  replies[position] = done and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end

-- In any order: a batch has one step of a job at most, because the next one needs the version that this one answers.
local function carryOut(command)
  for key, arguments in pairs(gathered[command] or {}) do call(command, key, unpack(arguments)) end
end
for _, command in ipairs({'LPUSH', 'SREM', 'ZADD'}) do carryOut(command) end
for prefix in pairs(markers) do call('ZADD', prefix .. 'marker', '0', '0') end
for prefix in pairs(kept) do
  for _, id in ipairs(call('ZRANGE', prefix .. 'completed', 0, -${KEPT_ENTRIES + 1})) do
    gather('ZREM', prefix .. 'completed', id)
    gone[#gone + 1] = prefix .. id
  end
end
carryOut('ZREM')
if #gone > 0 then call('DEL', unpack(gone)) end
for counter, amounts in pairs(gathered.HINCRBY or {}) do
  local sum = 0
  for _, amount in ipairs(amounts) do sum = sum + amount end
  call('HINCRBY', stats, counter, string.format('%.0f', sum))
end
if gathered.HINCRBY then call('PEXPIRE', stats, ${STATS_KEPT_MS}) end
for channel, ids in pairs(gathered.PUBLISH or {}) do call('PUBLISH', channel, table.concat(ids, ',')) end
if gathered.XADD then call('XADD', events, 'MAXLEN', '~', ${BATCHES_KEPT}, '*', 'steps', cjson.encode(gathered.XADD[events])) end
return replies
`;

/** What is asked of the script in one call. */
export type Request = { transition: Transition } | { finish: HeldEntry };

type Command = (...keysAndArguments: (string | number | Buffer)[]) => Promise<TransitionReply[]>;

/** Makes the script known to a connection. Loaded once per Redis server, then called by its hash. */
export function defineTransitions(
  redis: Redis,
  keys: CellKeys,
): (requests: Request[], now: number) => Promise<TransitionReply[]> {
  redis.defineCommand('upshiftTransitions', { lua: script, numberOfKeys: 5 });
  const command = (redis as unknown as { upshiftTransitions: Command }).upshiftTransitions.bind(redis);
  return (requests, now) => {
    const texts = new Texts();
    const rows = requests.map((request) => rowOf(request, texts));
    return command(
      keys.deadlines,
      keys.queues,
      keys.events,
      keys.stats(minuteOf(now)),
      keys.expiries,
      now,
      JSON.stringify(rows),
      `${keys.prefix}:`,
      ...texts.all,
    );
  };
}

/** Arguments of the script that come before the texts. */
const ARGUMENTS_BEFORE = 3;

/** The arguments that requests name by their positions. */
class Texts {
  readonly all: (string | Buffer)[] = [];

  /** The first and the last position, counted as Lua does. */
  add(texts: (string | Buffer)[]): [first: number, last: number] {
    const first = ARGUMENTS_BEFORE + this.all.length + 1;
    this.all.push(...texts);
    return [first, first + texts.length - 1];
  }
}

/** By position, in the order in which the script unpacks it; false stands for what is not given. */
function rowOf(request: Request, texts: Texts): unknown[] {
  if ('finish' in request) return [false, heldRow(request.finish)];
  const t = request.transition;
  return [
    t.id,
    String(t.version),
    String(t.version + 1),
    t.status,
    t.route,
    t.task,
    texts.add(t.fields),
    t.lines,
    t.counters,
    t.enters,
    t.leaves,
    t.keptMs ?? false,
    t.deadline ?? false,
    t.reopened,
    t.entry === null ? false : entryRow(t.entry, texts),
    t.held === null ? false : heldRow(t.held),
    t.publish,
    t.outcome ?? false,
  ];
}

function entryRow({ queue, id, name, data, options, priority, delayed }: QueueEntry, texts: Texts): unknown[] {
  const waits = delayed === null ? false : [delayed.keys, ...texts.add(delayed.arguments)];
  return [queue, id, name, data, options, String(priority), waits];
}

function heldRow({ queue, id, token }: HeldEntry): (string | false)[] {
  return [queue, id, token ?? false];
}
