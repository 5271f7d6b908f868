import type { DeliveryAttempt, DeliveryView } from '@upshift/contracts';
import { inSpan } from '@upshift/runtime';
import { UnrecoverableError, Worker } from 'bullmq';
import type { Job } from 'bullmq';

import { deliveryPayload, recovery } from './catalogue.ts';
import type { DeliveryPayload } from './catalogue.ts';
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

/** Consumes the `deliver` queue. `triesBefore` counts the tries of this entry that had an outcome. */
export function consumeDeliveries(
  pipeline: Pipeline,
  concurrency: number,
  handle: (told: DeliveryPayload, triesBefore: number) => Promise<DeliveryOutcome>,
): Consumer {
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
      handle(told.data, entry.attemptsMade),
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
  return {
    queue: DELIVER_QUEUE,
    async close() {
      await worker.close();
      connection.disconnect();
    },
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
export async function listDeliveries(pipeline: Pipeline, webhook: string, limit: number): Promise<Delivery[]> {
  const ids = await pipeline.redis.zrevrange(pipeline.keys.deliveries(webhook), 0, limit - 1);
  return readAll(pipeline, ids);
}

/** What was not delivered and is not on its way: what can be sent again. */
export async function undelivered(pipeline: Pipeline, webhook: string): Promise<Delivery[]> {
  const all = await readAll(pipeline, await pipeline.redis.zrange(pipeline.keys.deliveries(webhook), '0', '-1'));
  return all.filter(({ status }) => status === 'failed' || status === 'disabled');
}

async function readAll({ redis, keys }: Pipeline, ids: string[]): Promise<Delivery[]> {
  if (ids.length === 0) return [];
  const stored = await Promise.all(ids.map((id) => redis.get(keys.delivery(id))));
  return stored.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Delivery]));
}

/** Puts a delivery on the queue once more, under the same `webhook-id`. */
export async function redeliver(pipeline: Pipeline, delivery: Delivery): Promise<void> {
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
