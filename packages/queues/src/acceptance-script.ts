import type { JobStatus } from '@upshift/contracts';
import type { Redis } from 'ioredis';

import { BATCHES_KEPT, optionsText } from './catalogue.ts';
import type { Entry } from './entry.ts';
import { minuteOf, STATS_KEPT_MS } from './minute.ts';
import { statusIndex } from './names.ts';
import type { CellKeys } from './names.ts';
import { scriptOf } from './script.ts';

/** A job that is to begin: its record, its places in indexes, its claim and the queue entry of its first step. */
export interface NewJob {
  id: string;
  status: JobStatus;
  route: string;
  task: string | null;
  /** With how many lines its trail begins. */
  lines: number;
  /** It is refused where so many jobs of the cell are unfinished; null accepts it whatever there is. */
  mostUnfinished: number | null;
  /** Those that many jobs share. */
  indexes: string[];
  entry: Entry;
  /** What its record is stored as. */
  state: string;
  request: string;
  more: More | null;
}

/** What few jobs have. */
interface More {
  /** Field-value pairs of the record. */
  fields: string[];
  /** Those of its metadata. */
  indexes: string[];
  /** Ms since the epoch. */
  deadline: number | null;
  claim: { key: string; value: string; keptMs: number } | null;
}

/** What the script says of a job that it did not accept: who holds its claim, or that too many are unfinished. */
export type Refusal = ['held', string] | ['backlog'];

/**
 * KEYS: events, stats of the minute, nothing. ARGV: now in ms, what all keys of the cell begin with, the kinds as JSON, then five for each job: the position of its kind, id, state, request, and `more` as JSON (empty
 * for none). Answers with the position of each job that was refused, and why.
 *
 * What goes to one key is gathered over the batch: a command inside a script costs more than what it does. Numbers go to Redis as
 * texts, because it prints a number of Lua's with 17 digits.
 *
 * A job whose record is there already was accepted by the same call, sent twice by a connection that broke off: ids are random.
 */
const script = `
local events, stats = KEYS[1], KEYS[2]
local now, cell = ARGV[1], ARGV[2]
local kinds = cjson.decode(ARGV[3])
local call = redis.call
local count = (#ARGV - 3) / 5

-- Without shadows: nobody sent them.
local function unfinished()
  local sum = 0
  for _, route in ipairs(call('SMEMBERS', cell .. 'routes')) do
    sum = sum + call('ZCARD', cell .. 'index:${statusIndex('queued', '')}' .. route)
    sum = sum + call('ZCARD', cell .. 'index:${statusIndex('in_progress', '')}' .. route)
  end
  return sum
end
local open = unfinished()

local jobs = {}
for position = 1, count do jobs[position] = cell .. 'job:' .. ARGV[position * 5] end
local sentTwice = call('EXISTS', unpack(jobs)) > 0

for _, kind in ipairs(kinds) do
  kind.prefix = cell .. kind.queue .. ':'
  kind.priorityText = string.format('%d', kind.priority)
  kind.ids, kind.members, kind.entries = {}, {}, {}
end

-- The next number in the order of a queue's prioritized entries; as many as there are jobs are reserved at once.
local numbers = {}
local function nextNumber(prefix)
  local number = (numbers[prefix] or call('INCRBY', prefix .. 'pc', count) - count) + 1
  numbers[prefix] = number
  return number % 0x100000000
end

local function begin(kind, job, id, state, request, more)
  if more then call('HSET', job, 'state', state, 'request', request, unpack(more.fields))
  else call('HSET', job, 'state', state, 'request', request) end
  local entry = id .. kind.suffix
  call('HSET', kind.prefix .. entry, 'name', kind.name, 'data', kind.data[1] .. id .. kind.data[2], 'opts', kind.options,
    'timestamp', now, 'delay', '0', 'priority', kind.priorityText)
  local ids, members, entries = kind.ids, kind.members, kind.entries
  ids[#ids + 1] = id
  members[#members + 1] = '0'
  members[#members + 1] = id
  if kind.priority > 0 then
    entries[#entries + 1] = string.format('%d', kind.priority * 0x100000000 + nextNumber(kind.prefix))
  end
  entries[#entries + 1] = entry
  if not more then return end
  for _, index in ipairs(more.indexes) do call('ZADD', cell .. 'index:' .. index, '0', id) end
  if more.deadline then call('ZADD', cell .. 'deadlines', more.deadline, id) end
end

local refused = {}
for position = 1, count do
  local kindAt, id, state, request, more = unpack(ARGV, position * 5 - 1, position * 5 + 3)
  local kind = kinds[tonumber(kindAt)]
  more = more ~= '' and cjson.decode(more)
  local claim = more and more.claim
  local holder = claim and call('GET', claim[1])
  if holder then refused[#refused + 1] = {position, 'held', holder}
  elseif sentTwice and call('EXISTS', jobs[position]) == 1 then -- It has begun.
  elseif kind.most and open >= kind.most then refused[#refused + 1] = {position, 'backlog'}
  else
    open = open + 1
    if claim then call('SET', claim[1], claim[2], 'PX', claim[3]) end
    begin(kind, jobs[position], id, state, request, more)
  end
end

local steps, accepted, queues = {}, 0, {} -- Nobody sent a shadow, which has no limit: it is not counted.
for _, kind in ipairs(kinds) do
  if #kind.ids > 0 then
    if kind.most then accepted = accepted + #kind.ids end
    steps[#steps + 1] = {kind.ids, kind.route, kind.task, kind.status, '0', kind.lines}
    call('SADD', cell .. 'routes', kind.route)
    for _, index in ipairs(kind.indexes) do call('ZADD', cell .. 'index:' .. index, unpack(kind.members)) end
    if kind.priority > 0 then call('ZADD', kind.prefix .. 'prioritized', unpack(kind.entries))
    else call('LPUSH', kind.prefix .. 'wait', unpack(kind.entries)) end
    queues[kind.queue] = kind.prefix
  end
end
for queue, prefix in pairs(queues) do
  call('SADD', cell .. 'queues', queue)
  call('ZADD', prefix .. 'marker', '0', '0')
end
if accepted > 0 then
  call('HINCRBY', stats, 'accepted', accepted)
  call('PEXPIRE', stats, ${STATS_KEPT_MS})
end
if #steps > 0 then
  call('XADD', events, 'MAXLEN', '~', ${BATCHES_KEPT}, '*', 'steps', cjson.encode(steps))
end
return refused
`;

/** Makes the script known to a connection; gives what accepts jobs in one call and says for each why not, or null. */
export function defineAcceptance(redis: Redis, keys: CellKeys): (jobs: NewJob[]) => Promise<(Refusal | null)[]> {
  const command = scriptOf<[position: number, ...Refusal][]>(redis, 'upshiftAcceptance', script, 3);
  return async (jobs) => {
    const now = Date.now();
    const kinds = new Kinds();
    const rows: (string | number)[] = [];
    for (const job of jobs) rows.push(kinds.positionOf(job), job.id, job.state, job.request, moreText(job.more));
    const before = [now, `${keys.prefix}:`, JSON.stringify(kinds.all)];
    const refusals = await command(keys.events, keys.stats(minuteOf(now)), keys.nothing, ...before, ...rows);
    const replies: (Refusal | null)[] = jobs.map(() => null);
    for (const [position, ...refusal] of refusals) replies[position - 1] = refusal;
    return replies;
  };
}

/** What is the same for many jobs of a batch, and so is said once. */
class Kinds {
  readonly all: object[] = [];
  readonly #positions = new Map<string, number>();

  /** As Lua counts. */
  positionOf(job: NewJob): number {
    const { route, task, lines, mostUnfinished, indexes, entry } = job;
    const name = `${route} ${task ?? ''} ${lines} ${mostUnfinished} ${entry.queue} ${entry.options.priority} ${indexes.join(' ')}`;
    const known = this.#positions.get(name);
    if (known !== undefined) return known;
    this.#positions.set(name, this.all.push(kindOf(job)));
    return this.all.length;
  }
}

/** The entry's id is the job's with a text behind it, its data the job's id between two. */
function kindOf({ id, status, route, task, lines, mostUnfinished, indexes, entry }: NewJob): object {
  const { queue, name, data, options } = entry;
  const { delay = 0, priority = 0 } = options;
  if (delay > 0) throw new Error(`the first step of job ${id} waits for ${delay} ms, which the acceptance script does not know`);
  return {
    route,
    task: task ?? '',
    status,
    lines,
    ...(mostUnfinished === null ? {} : { most: mostUnfinished }),
    indexes,
    queue,
    name,
    suffix: entry.id.slice(id.length),
    data: JSON.stringify(data).split(id),
    options: optionsText(options),
    priority,
  };
}

/** Numbers as texts, which is how Redis takes them. */
function moreText(more: More | null): string {
  if (more === null) return '';
  const { fields, indexes, deadline, claim } = more;
  return JSON.stringify({
    fields,
    indexes,
    ...(deadline === null ? {} : { deadline: String(deadline) }),
    ...(claim === null ? {} : { claim: [claim.key, claim.value, String(claim.keptMs)] }),
  });
}
