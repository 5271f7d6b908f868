import type { DeliveryAttempt, DeliveryView } from '@upshift/contracts';
import { inSpan } from '@upshift/runtime';
import { UnrecoverableError, Worker } from 'bullmq';
import type { Job } from 'bullmq';

import { deliveryPayload, recovery } from './catalogue.ts';
import type { DeliveryPayload } from './catalogue.ts';
import type { Cells } from './cells/cells.ts';
import { connect } from './connection.ts';
import type { Consumer } from './consume.ts';
import { deliveryEntry } from './entries.ts';
import { DELIVER_QUEUE, deliveryId } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** What a try to deliver came to. Only this file knows how BullMQ is told. */
export type DeliveryOutcome = { kind: 'done' } | { kind: 'retry'; delayMs: number } | { kind: 'failed'; reason: string };

/** Carries the pause to the back-off. */
class RetryLater extends Error {
  readonly delayMs: number;

  constructor(delayMs: number) {
    super(`again in ${delayMs} ms`);
    this.delayMs = delayMs;
  }
}

/** Pause after an error that was not foreseen (Redis away, or a bug), in ms. */
const AFTER_CRASH_MS = 5000;

function backoffStrategy(_tries: number, _type?: string, error?: Error): number {
  return error instanceof RetryLater ? error.delayMs : AFTER_CRASH_MS;
}

/** What is done with a delivery of a cell. `triesBefore` counts the tries of this entry that had an outcome. */
type Deliver = (pipeline: Pipeline, told: DeliveryPayload, triesBefore: number) => Promise<DeliveryOutcome>;

/** Consumes the `deliver` queues of some cells, with about `concurrency` deliveries under way in all of them together. */
export function consumeDeliveries(cells: Pipeline[], concurrency: number, handle: Deliver): Consumer {
  const consumers = cells.map((cell) => consumeCell(cell, Math.ceil(concurrency / cells.length), handle));
  return { queue: DELIVER_QUEUE, close: async () => void (await Promise.all(consumers.map((close) => close()))) };
}

function consumeCell(pipeline: Pipeline, concurrency: number, handle: Deliver): () => Promise<void> {
  const connection = connect(pipeline.url, { failFast: false });
  const deliver = async (entry: Job): Promise<void> => {
    const told = deliveryPayload.safeParse(entry.data);
    if (!told.success) throw new UnrecoverableError('malformed entry');
    const { job, revision, event, webhook } = told.data;
    const attributes = {
      'upshift.job.id': job,
      'upshift.job.revision': revision,
      'upshift.event': event,
      'upshift.webhook': webhook,
      'upshift.delivery.try': entry.attemptsMade + 1,
    };
    const parent = await pipeline.redis.hget(pipeline.keys.job(job), 'traceparent');
    const outcome = await inSpan({ name: 'deliver webhook', kind: 'consumer', attributes, parent }, () =>
      handle(pipeline, told.data, entry.attemptsMade),
    );
    if (outcome.kind === 'retry') throw new RetryLater(outcome.delayMs);
    if (outcome.kind === 'failed') throw new UnrecoverableError(outcome.reason);
  };
  const worker = new Worker(DELIVER_QUEUE, deliver, {
    connection,
    prefix: pipeline.keys.prefix,
    concurrency,
    ...recovery,
    settings: { backoffStrategy },
  });
  worker.on('error', (error) => pipeline.logger.warn({ queue: DELIVER_QUEUE, reason: error.message }, 'worker'));
  worker.on('stalled', () => pipeline.metrics.stalled.inc({ queue: DELIVER_QUEUE }));
  void pipeline.redis.sadd(pipeline.keys.queues, DELIVER_QUEUE).catch(() => undefined);
  return async () => {
    await worker.close();
    connection.disconnect();
  };
}

/** A line of an endpoint's delivery log as it is stored: with the body, which is the same over all tries. */
export interface Delivery extends DeliveryView {
  revision: number;
  webhook: string;
  body: string | null;
  redeliveries: number;
}

const HOUR_MS = 3_600_000;

/** The log line of a delivery; a new one where nothing has been tried yet. */
export async function readDelivery({ redis, keys }: Pipeline, told: DeliveryPayload): Promise<Delivery> {
  const stored = await redis.get(keys.delivery(deliveryId(told)));
  if (stored !== null) return JSON.parse(stored) as Delivery;
  const { job, revision, event, webhook } = told;
  const fresh = { id: deliveryId(told), job, revision, event, webhook, body: null, redeliveries: 0 };
  return { ...fresh, status: 'pending', attempts: [], next_attempt_at: null };
}

/** Tries that a log line keeps. */
const KEPT_ATTEMPTS = 50;

/** Writes a log line, with one more try where there was one. It is kept as long as a finished job. */
export async function writeDelivery(pipeline: Pipeline, delivery: Delivery, attempt: DeliveryAttempt | null): Promise<void> {
  const { redis, config, keys } = pipeline;
  const now = Date.now();
  const keptMs = Math.ceil(config.retention.job_hours * HOUR_MS);
  const attempts = (attempt === null ? delivery.attempts : [...delivery.attempts, attempt]).slice(-KEPT_ATTEMPTS);
  await redis
    .multi()
    .set(keys.delivery(delivery.id), JSON.stringify({ ...delivery, attempts }), 'PX', keptMs)
    .zadd(keys.deliveries(delivery.webhook), now, delivery.id)
    .zremrangebyscore(keys.deliveries(delivery.webhook), '-inf', String(now - keptMs))
    .exec();
}

/** The newest lines of an endpoint's log. */
export async function listDeliveries(cells: Cells, webhook: string, limit: number): Promise<Delivery[]> {
  const lines = await linesOf(cells, webhook, limit);
  const newest = lines.toSorted((one, other) => other.changedAt - one.changedAt).slice(0, limit);
  return readAll(newest);
}

/** What was not delivered and is not on its way: what can be sent again. */
export async function undelivered(cells: Cells, webhook: string): Promise<Delivery[]> {
  const lines = await linesOf(cells, webhook, Infinity);
  const all = await readAll(lines.toSorted((one, other) => one.changedAt - other.changedAt));
  return all.filter(({ status }) => status === 'failed' || status === 'disabled');
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
      return flat.flatMap((id, index) => (index % 2 === 0 ? [{ pipeline, id, changedAt: Number(flat[index + 1]) }] : []));
    }),
  );
  return found.flat();
}

async function readAll(lines: LogLine[]): Promise<Delivery[]> {
  const stored = await Promise.all(lines.map(({ pipeline, id }) => pipeline.redis.get(pipeline.keys.delivery(id))));
  return stored.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Delivery]));
}

/** Puts a delivery on the queue once more, under the same `webhook-id`. */
export async function redeliver(cells: Cells, delivery: Delivery): Promise<void> {
  const pipeline = cells.of(delivery.job);
  const again: Delivery = { ...delivery, status: 'pending', next_attempt_at: null, redeliveries: delivery.redeliveries + 1 };
  const { job, revision, webhook, event } = delivery;
  const told = deliveryPayload.parse({ job, revision, webhook, event, redelivery: again.redeliveries });
  const entry = deliveryEntry(told, pipeline.config);
  await writeDelivery(pipeline, again, null);
  await queueOf(pipeline, entry.queue).add(entry.name, entry.data, { ...entry.options, jobId: entry.id });
}

export function deliveryViewOf({ id, job, event, status, attempts, next_attempt_at }: Delivery): DeliveryView {
  return { id, job, event, status, attempts, next_attempt_at };
}
