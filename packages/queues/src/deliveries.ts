import type { DeliveryView, UpshiftConfig } from '@upshift/contracts';
import { longestPauseMs } from '@upshift/routing';

import { deliveryPayload } from './catalogue.ts';
import type { DeliveryPayload } from './catalogue.ts';
import type { Cells } from './cells/cells.ts';
import { deliveryEntry } from './entries.ts';
import { deliveryId } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import { jobKeptMs } from './retention.ts';
import { withScores } from './with-scores.ts';

/** A line of an endpoint's delivery log as it is stored: with the body, which is the same over all tries. */
export interface Delivery extends DeliveryView {
  revision: number;
  webhook: string;
  body: string | null;
  /** When the endpoint was made that the body is for: another one of that name may not get it. Missing in lines of earlier versions. */
  endpointCreatedAt?: string;
  /** The number of the last time that somebody asked for it again; 0 where nobody has. */
  redeliveries: number;
}

/** The log line of a delivery; a new one where nothing has been tried yet. */
export async function readDelivery({ redis, keys }: Pipeline, told: DeliveryPayload): Promise<Delivery> {
  return parseLine(await redis.get(keys.delivery(deliveryId(told))), told);
}

function parseLine(stored: string | null, told: DeliveryPayload): Delivery {
  if (stored !== null) return JSON.parse(stored) as Delivery;
  const { job, revision, event, webhook } = told;
  const fresh = { id: deliveryId(told), job, revision, event, webhook, body: null, redeliveries: 0 };
  return { ...fresh, status: 'pending', attempts: [], next_attempt_at: null };
}

/** Tries that a log line keeps. */
const KEPT_ATTEMPTS = 50;

/**
 * KEYS: line, the endpoint's list. ARGV: the line as it was ('' for none) and as it is now, how long it is kept in ms, its id, now, the time of
 * the oldest line that may still be kept, how long the list is kept in ms.
 *
 * No change lets a line go sooner: an earlier entry may wait for its next try, and finds the body there. Sent twice, by a connection that broke
 * off, it finds what it has written.
 */
const replaceScript = `
local stored = redis.call('GET', KEYS[1]) or ''
if stored ~= ARGV[1] then return stored == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', math.max(tonumber(ARGV[3]), redis.call('PTTL', KEYS[1])))
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
return 1`;

/** Changes a log line as it is then: a try may end while somebody asks for another one. One that `to` returns as it is stays as it is. */
export async function changeDelivery(pipeline: Pipeline, told: DeliveryPayload, to: (line: Delivery) => Delivery): Promise<void> {
  const key = pipeline.keys.delivery(deliveryId(told));
  for (;;) {
    const stored = await pipeline.redis.get(key);
    const line = parseLine(stored, told);
    const changed = to(line);
    if (changed === line || (await replaceLine(pipeline, stored, changed))) return;
  }
}

/** Whether the line was still as it had been read. */
async function replaceLine({ redis, config, keys }: Pipeline, stored: string | null, changed: Delivery): Promise<boolean> {
  const now = Date.now();
  const { keptMs, longestMs } = retentionOf(config, changed, now);
  const text = JSON.stringify({ ...changed, attempts: changed.attempts.slice(-KEPT_ATTEMPTS) });
  const both = [keys.delivery(changed.id), keys.deliveries(changed.webhook)];
  const values = [stored ?? '', text, keptMs, changed.id, now, now - longestMs, longestMs];
  return (await redis.eval(replaceScript, both.length, ...both, ...values)) === 1;
}

/** A line is kept as long as a finished job, and one that waits for its next try so long after that: it has the body. In ms. */
function retentionOf(config: UpshiftConfig, line: Delivery, now: number) {
  const jobMs = jobKeptMs(config);
  const pauseMs = line.next_attempt_at === null ? 0 : Math.max(0, Date.parse(line.next_attempt_at) - now);
  return { keptMs: jobMs + pauseMs, longestMs: jobMs + Math.ceil(longestPauseMs(config.webhooks.retry_after_s)) };
}

/** Lines forgotten with one command. */
const FORGOTTEN_AT_ONCE = 1000;

/** Removes an endpoint's log as it is now: another endpoint may be made under its name meanwhile. */
export async function forgetDeliveries(cells: Cells, webhook: string): Promise<void> {
  const now = Date.now();
  for (const { redis, keys } of await cells.all()) {
    const log = keys.deliveries(webhook);
    for (let more = true; more;) {
      const ids = await redis.zrangebyscore(log, '-inf', now, 'LIMIT', 0, FORGOTTEN_AT_ONCE);
      if (ids.length > 0) await Promise.all([redis.unlink(...ids.map(keys.delivery)), redis.zrem(log, ...ids)]);
      more = ids.length === FORGOTTEN_AT_ONCE;
    }
  }
}

/** The newest lines of an endpoint's log. */
export async function listDeliveries(cells: Cells, webhook: string, limit: number): Promise<Delivery[]> {
  const lines = await linesOf(cells, webhook, limit);
  const newest = lines.toSorted((one, other) => other.changedAt - one.changedAt).slice(0, limit);
  return readAll(newest);
}

/** Lines, with their bodies, that are in memory at once. */
const READ_AT_ONCE = 100;

/** What was not delivered and is not on its way: what can be sent again, the oldest first. */
export async function* undelivered(cells: Cells, webhook: string): AsyncGenerator<Delivery> {
  const lines = await linesOf(cells, webhook, Infinity);
  lines.sort((one, other) => one.changedAt - other.changedAt);
  for (let from = 0; from < lines.length; from += READ_AT_ONCE)
    for (const line of await readAll(lines.slice(from, from + READ_AT_ONCE)))
      if (line.status === 'failed' || line.status === 'disabled') yield line;
}

/** More revisions than a job, and more changes than an experiment, ever has. */
const MOST_REVISIONS = 1000;

/** What an endpoint was told of a job last; null where its log has nothing of that. */
export async function lastDelivery(cells: Cells, webhook: string, job: string): Promise<Delivery | null> {
  const pipeline = cells.of(job);
  const ids = Array.from({ length: MOST_REVISIONS }, (_, index) => deliveryId({ job, revision: index + 1 }));
  const scores = await pipeline.redis.zmscore(pipeline.keys.deliveries(webhook), ...ids);
  const told = ids.map((id, index) => ({ pipeline, id, changedAt: Number(scores[index] ?? -1) }));
  const newest = told.reduce((best, line) => (line.changedAt >= best.changedAt ? line : best));
  return newest.changedAt < 0 ? null : ((await readAll([newest]))[0] ?? null);
}

/** Where a line of the log is found. */
interface LogLine {
  pipeline: Pipeline;
  id: string;
  changedAt: number;
}

/** The newest lines of an endpoint in each cell, at most so many of each. */
async function linesOf(cells: Cells, webhook: string, most: number): Promise<LogLine[]> {
  const last = most === Infinity ? -1 : most - 1;
  const found = await Promise.all(
    (await cells.all()).map(async (pipeline) => {
      const flat = await pipeline.redis.zrevrange(pipeline.keys.deliveries(webhook), 0, last, 'WITHSCORES');
      return withScores(flat).map(([id, changedAt]) => ({ pipeline, id, changedAt }));
    }),
  );
  return found.flat();
}

async function readAll(lines: LogLine[]): Promise<Delivery[]> {
  const stored = await Promise.all(lines.map(({ pipeline, id }) => pipeline.redis.get(pipeline.keys.delivery(id))));
  return stored.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Delivery]));
}

/**
 * Puts a delivery on the queue once more, under the same `webhook-id`. The time makes the number: BullMQ drops an entry in silence whose id it
 * still retains.
 */
export async function redeliver(cells: Cells, delivery: Delivery): Promise<void> {
  const pipeline = cells.of(delivery.job);
  const { job, revision, webhook, event } = delivery;
  const told = deliveryPayload.parse({
    job,
    revision,
    webhook,
    event,
    redelivery: Math.max(Date.now(), delivery.redeliveries + 1),
  });
  const entry = deliveryEntry(told);
  // Before the log says so: a line that is `pending` with nothing on its way would stay so.
  await queueOf(pipeline, entry.queue).add(entry.name, entry.data, { ...entry.options, jobId: entry.id });
  await changeDelivery(pipeline, told, (line) => {
    if (line.redeliveries >= told.redelivery) return line;
    return { ...line, status: 'pending', next_attempt_at: null, redeliveries: told.redelivery };
  });
}

export function deliveryViewOf({ id, job, event, status, attempts, next_attempt_at }: Delivery): DeliveryView {
  return { id, job, event, status, attempts, next_attempt_at };
}
