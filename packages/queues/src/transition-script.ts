import { createRequire } from 'node:module';

import type { Redis } from 'ioredis';

import { STATS_KEPT_MS } from './stats.ts';

/**
 * One Lua script makes every step of a job atomic: it fences by the record's version, writes the record and its trail,
 * keeps the indexes, and adds the next queue entry by BullMQ's own scripts, composed into this one. A crash can so fall
 * before or after a step, never inside it. See docs/decisions/2026-11-23-one-script-per-transition.md.
 *
 * The only knowledge of BullMQ's internals is that these three files export `{ content, keys }`; the conformance test
 * pins the version for which that was checked.
 */
const require = createRequire(import.meta.url);
const scriptNames = ['addStandardJob', 'addPrioritizedJob', 'addDelayedJob'] as const;
type AddScript = (typeof scriptNames)[number];

interface LuaScript {
  content: string;
  keys: number;
}

const files: Record<AddScript, string> = {
  addStandardJob: 'addStandardJob-9',
  addPrioritizedJob: 'addPrioritizedJob-9',
  addDelayedJob: 'addDelayedJob-6',
};

const scripts = Object.fromEntries(
  scriptNames.map((name) => [name, (require(`bullmq/dist/cjs/scripts/${files[name]}.js`) as Record<string, LuaScript>)[name]]),
) as Record<AddScript, LuaScript>;

/** A queue entry in the form that BullMQ's own code would have sent it to Redis. */
export interface PreparedEntry {
  script: AddScript;
  keys: string[];
  arguments: (string | Buffer)[];
}

/** Turns the command that BullMQ was about to send into an entry for the transition script. */
export function preparedEntry(command: string, args: (string | Buffer)[]): PreparedEntry {
  const script = scriptNames.find((name) => command.startsWith(`${name}:`));
  if (script === undefined) throw new Error(`BullMQ adds entries by ${command}, which the transition script does not know`);
  const { keys } = scripts[script];
  return { script, keys: args.slice(0, keys).map(String), arguments: args.slice(keys) };
}

/** About how many transitions the stream of events remembers, for clients that come back after a pause. */
const EVENTS_KEPT = 10_000;

/** The steward forgets a job at its time, with its places in the indexes; where no steward runs, Redis drops it so much later. */
const FORGET_WITHIN_MS = 24 * 3_600_000;

const addFunctions = scriptNames.map((name) => `local function ${name}(KEYS, ARGV)\n${scripts[name].content}\nend`).join('\n');

/**
 * KEYS: job, trail, open, deadlines, queues, idempotency claim (or the job key where there is none), events, stats of the
 * minute, expiries, the indexes that the job enters, those that it leaves, then the entry's keys.
 * ARGV: header as JSON, field-value pairs of the record, trail lines, the entry's arguments.
 * Answers {'ok', version}, {'conflict'}, {'held', claim} or {'backlog'}.
 */
const transition = `
${addFunctions}
local header = cjson.decode(ARGV[1])
if header.claim then
  local held = redis.call('GET', KEYS[6])
  if held then return {'held', held} end
end
if header.maxBacklog and redis.call('ZCARD', KEYS[3]) >= header.maxBacklog then return {'backlog'} end
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= header.version then return {'conflict'} end
if header.claim then redis.call('SET', KEYS[6], header.claim, 'PX', header.claimMs) end
local at = 2
redis.call('HSET', KEYS[1], 'version', version + 1, unpack(ARGV, at, at + header.fields - 1))
at = at + header.fields
if header.trail > 0 then
  local lines = {unpack(ARGV, at, at + header.trail - 1)}
  local length = redis.call('RPUSH', KEYS[2], unpack(lines))
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', ${EVENTS_KEPT}, '*', 'job', header.id, 'route', header.route, 'task', header.task,
    'status', header.status, 'metadata', redis.call('HGET', KEYS[1], 'metadata') or '{}', 'from', length - header.trail + 1,
    'lines', '[' .. table.concat(lines, ',') .. ']')
end
at = at + header.trail
for _, counter in ipairs(header.counters) do redis.call('HINCRBY', KEYS[8], counter[1], counter[2]) end
if #header.counters > 0 then redis.call('PEXPIRE', KEYS[8], ${STATS_KEPT_MS}) end
for index = 10, 9 + header.enters do redis.call('ZADD', KEYS[index], 0, header.id) end
for index = 10 + header.enters, 9 + header.enters + header.leaves do redis.call('ZREM', KEYS[index], header.id) end
if header.ended then
  redis.call('ZADD', KEYS[9], header.now + header.keepMs, header.id)
  redis.call('ZREM', KEYS[3], header.id)
  redis.call('ZREM', KEYS[4], header.id)
  redis.call('PEXPIRE', KEYS[1], header.keepMs + ${FORGET_WITHIN_MS})
  redis.call('PEXPIRE', KEYS[2], header.keepMs + ${FORGET_WITHIN_MS})
else
  redis.call('ZADD', KEYS[3], header.now, header.id)
  if header.deadline then redis.call('ZADD', KEYS[4], header.deadline, header.id) end
  if header.reopened then
    redis.call('ZREM', KEYS[9], header.id)
    redis.call('PERSIST', KEYS[1])
    redis.call('PERSIST', KEYS[2])
  end
end
if header.queue then
  redis.call('SADD', KEYS[5], header.queue)
  local add = ({addStandardJob = addStandardJob, addPrioritizedJob = addPrioritizedJob, addDelayedJob = addDelayedJob})[header.script]
  add({unpack(KEYS, 10 + header.enters + header.leaves)}, {unpack(ARGV, at)})
end
for _, publication in ipairs(header.publish) do redis.call('PUBLISH', publication, header.id) end
return {'ok', version + 1}
`;

export type TransitionReply = ['ok', number] | ['conflict'] | ['held', string] | ['backlog'];

type Command = (keyCount: number, ...args: (string | Buffer)[]) => Promise<TransitionReply>;

/** Makes the script known to a connection. Loaded once per Redis server, then called by its hash. */
export function defineTransition(redis: Redis): Command {
  redis.defineCommand('upshiftTransition', { lua: transition });
  const command = (redis as unknown as { upshiftTransition: Command }).upshiftTransition;
  return command.bind(redis);
}
