import { stepAsideMs } from '@upshift/routing';
import type { DeliverySlots } from '@upshift/routing';
import { inSpan } from '@upshift/runtime';
import { DelayedError, UnrecoverableError, Worker } from 'bullmq';
import type { Job } from 'bullmq';

import { deliveryPayload, recovery } from './catalogue.ts';
import type { DeliveryPayload } from './catalogue.ts';
import { connect } from './connection.ts';
import type { Consumer } from './consume.ts';
import { changeDelivery } from './deliveries.ts';
import { DELIVER_QUEUE, globalKeys } from './names.ts';
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
  const underWay = new UnderWay(concurrency);
  const deliver = async (entry: Job, token?: string): Promise<void> => {
    const told = deliveryPayload.safeParse(entry.data);
    if (!told.success) throw new UnrecoverableError('malformed entry');
    const { webhook } = told.data;
    const asideMs = stepAsideMs(underWay.slotsFor(webhook), Date.now() - entry.timestamp, Math.random());
    if (asideMs > 0) return stepAside(entry, asideMs, token);
    await underWay.run(webhook, () => deliverEntry(pipeline, entry, told.data, handle));
  };
  const worker = new Worker(DELIVER_QUEUE, deliver, {
    connection,
    prefix: pipeline.keys.prefix,
    concurrency,
    ...recovery,
    settings: { backoffStrategy },
  });
  worker.on('error', (error) => pipeline.sayFailure('worker', { queue: DELIVER_QUEUE }, error));
  // Nothing else would see to a line that is left `pending`: a process that stops writes it first.
  let givenUp = Promise.resolve();
  worker.on('failed', (entry) => {
    const one = giveUp(pipeline, entry);
    givenUp = givenUp.then(() => one);
  });
  pipeline.metrics.stalled.inc({ queue: DELIVER_QUEUE }, 0);
  worker.on('stalled', () => pipeline.metrics.stalled.inc({ queue: DELIVER_QUEUE }));
  void pipeline.redis.sadd(pipeline.keys.queues, DELIVER_QUEUE).catch(() => undefined);
  return async () => {
    await worker.close();
    await givenUp;
    connection.disconnect();
  };
}

/** Which endpoints are being told something, and how long the last delivery to each took. */
class UnderWay {
  readonly #most: number;
  readonly #webhooks: string[] = [];
  readonly #lastTookMs = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  slotsFor(webhook: string): DeliverySlots {
    return {
      toThisEndpoint: this.#webhooks.filter((other) => other === webhook).length,
      toAll: this.#webhooks.length,
      most: this.#most,
      lastTookMs: this.#lastTookMs.get(webhook) ?? null,
    };
  }

  async run(webhook: string, deliver: () => Promise<void>): Promise<void> {
    this.#webhooks.push(webhook);
    const begunAt = performance.now();
    try {
      await deliver();
    } finally {
      this.#lastTookMs.set(webhook, performance.now() - begunAt);
      this.#webhooks.splice(this.#webhooks.indexOf(webhook), 1);
    }
  }
}

/** That is no try: `attemptsMade` stays as it is. */
async function stepAside(entry: Job, asideMs: number, token?: string): Promise<never> {
  await entry.moveToDelayed(Date.now() + asideMs, token);
  throw new DelayedError();
}

async function deliverEntry(pipeline: Pipeline, entry: Job, told: DeliveryPayload, handle: Deliver): Promise<void> {
  const { job, revision, event, webhook } = told;
  const attributes = {
    'upshift.job.id': job,
    'upshift.job.revision': revision,
    'upshift.event': event,
    'upshift.webhook': webhook,
    'upshift.delivery.try': entry.attemptsMade + 1,
  };
  const parent = await pipeline.redis.hget(pipeline.keys.job(job), 'traceparent');
  const outcome = await inSpan({ name: 'deliver webhook', kind: 'consumer', attributes, parent }, () =>
    handle(pipeline, told, entry.attemptsMade),
  );
  if (outcome.kind === 'retry') throw new RetryLater(outcome.delayMs);
  if (outcome.kind === 'failed') throw new UnrecoverableError(outcome.reason);
}

/** A delivery that is tried no more is not left `pending`, whatever ended it: BullMQ may do so after tries that came to nothing. */
async function giveUp(pipeline: Pipeline, entry: Job | undefined): Promise<void> {
  const told = deliveryPayload.safeParse(entry?.data);
  if (!told.success || entry?.finishedOn === undefined) return;
  const { redelivery, webhook } = told.data;
  try {
    // Its log went with it.
    if ((await pipeline.redis.exists(globalKeys.webhook(webhook))) === 0) return;
    await changeDelivery(pipeline, told.data, (line) => {
      if (line.status !== 'pending' || line.redeliveries > redelivery) return line;
      return { ...line, status: 'failed', next_attempt_at: null, redeliveries: redelivery };
    });
  } catch (error) {
    pipeline.logger.error({ entry: entry.id, reason: String(error) }, 'could not log that a delivery has failed');
  }
}
