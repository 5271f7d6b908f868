import {
  accept,
  advance,
  changeDelivery,
  consumeDeliveries,
  createWebhook,
  deleteWebhook,
  DELIVER_QUEUE,
  forgetJobs,
  lastDelivery,
  listDeliveries,
  queueOf,
  readWebhook,
  redeliver,
  undelivered,
} from '@upshift/queues';
import type { Consumer, Delivery, DeliveryOutcome } from '@upshift/queues';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { handleDelivery } from '../../services/notifier/src/handle-delivery.ts';
import { anotherPipeline, freshPipeline } from '../queues/bed.ts';
import { entriesOf, keysLike, until } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { exampleConfig, requestOf } from '../routing/example.ts';
import { sayOnly, startReceiver } from '../system/receiver.ts';
import type { Receiver } from '../system/receiver.ts';

const HOUR_S = 3600;
/** The receiver fails or takes all that it gets. */
const fails = sayOnly(500);
const takes = sayOnly(204);

const consumers: Consumer[] = [];
let receiver: Receiver;

/** A process of its own, with its schedule of retries. */
async function open(pausesSeconds: number[], keptSeconds = HOUR_S): Promise<TestPipeline> {
  const hours = keptSeconds / HOUR_S;
  const config = exampleConfig((file) =>
    Object.assign(file, {
      webhooks: { allow_private_addresses: true, retry_after_s: pausesSeconds },
      retention: { job_hours: hours, idempotency_hours: hours },
    }),
  );
  return anotherPipeline(config);
}

beforeEach(async () => {
  const pipeline = await freshPipeline();
  receiver = await startReceiver();
  receiver.answer = fails;
  await createWebhook(pipeline, { name: 'orders', url: receiver.url, payload: 'thin' });
});
afterEach(async () => {
  receiver.close();
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
});

/** What an endpoint is to be told of a job that was cancelled. */
async function endJob(pipeline: TestPipeline, webhook = 'orders') {
  const { id } = await accept(pipeline, requestOf({ input: { prompt: 'Hello.' }, webhook }), null);
  await advance(pipeline, id, { type: 'cancelled' });
  return { job: id, revision: 1, webhook, event: 'job.cancelled' as const, redelivery: 0 };
}

function consume(pipeline: TestPipeline): void {
  consumers.push(consumeDeliveries([pipeline], 5, handleDelivery));
}

async function lineOf(pipeline: TestPipeline, job: string): Promise<Delivery | undefined> {
  return (await listDeliveries(pipeline, 'orders', 10)).find((line) => line.job === job);
}

function untilLine(pipeline: TestPipeline, job: string, status: Delivery['status']): Promise<void> {
  return until(pipeline, async () => (await lineOf(pipeline, job))?.status === status);
}

test('a delivery whose next try comes after its job is forgotten finds its body and its place in the log then', async () => {
  const pipeline = await open([60], 5);
  const told = await endJob(pipeline);
  expect(await handleDelivery(pipeline, told, 0)).toMatchObject({ kind: 'retry' });
  await pipeline.redis.zadd('{upshift-0}:expiries', Date.now() - 1, told.job);
  expect(await forgetJobs(pipeline)).toBe(1);
  expect(await pipeline.redis.pttl(`{upshift-0}:delivery:msg_${told.job}_1`)).toBeGreaterThan(60_000);
  // As if it had been tried a minute ago, when another one is logged.
  await pipeline.redis.zadd('{upshift-0}:webhook:orders:deliveries', Date.now() - 60_000, `msg_${told.job}_1`);
  await handleDelivery(pipeline, await endJob(pipeline), 0);
  receiver.answer = takes;
  expect(await handleDelivery(pipeline, told, 1)).toEqual({ kind: 'done' });
  expect(await lineOf(pipeline, told.job)).toMatchObject({ status: 'delivered', attempts: [{ status: 500 }, { status: 204 }] });
  expect(receiver.received.at(-1)?.body).toBe(receiver.received[0]?.body);
});

test('a delivery that is asked for again during a try is sent, and may be asked for once more', async () => {
  const pipeline = await open([0.01]);
  const held = Promise.withResolvers<() => void>();
  receiver.answer = (received, response) => {
    if (receiver.received.length === 2) held.resolve(() => fails(received, response));
    else fails(received, response);
  };
  consume(pipeline);
  const { job } = await endJob(pipeline);
  const letGo = await held.promise;
  await redeliver(pipeline, (await lineOf(pipeline, job))!);
  await untilLine(pipeline, job, 'failed');
  letGo();
  await until(pipeline, async () => (await lineOf(pipeline, job))?.attempts.length === 4);
  expect(await lineOf(pipeline, job)).toMatchObject({ status: 'failed', next_attempt_at: null });
  receiver.answer = takes;
  await redeliver(pipeline, (await lineOf(pipeline, job))!);
  await untilLine(pipeline, job, 'delivered');
  expect(receiver.received).toHaveLength(5);
});

test('an entry that comes once more after the log says that it was delivered is not sent again, unless somebody asks for it', async () => {
  const pipeline = await open([]);
  receiver.answer = takes;
  const told = await endJob(pipeline);
  for (let time = 0; time < 2; time += 1) expect(await handleDelivery(pipeline, told, 0)).toEqual({ kind: 'done' });
  expect(receiver.received).toHaveLength(1);
  await handleDelivery(pipeline, { ...told, redelivery: Date.now() }, 0);
  expect(receiver.received).toHaveLength(2);
});

test('a try that fails after somebody asked for another one leaves that one pending, and one that succeeds does not', async () => {
  const pipeline = await open([]);
  const told = await endJob(pipeline);
  await handleDelivery(pipeline, told, 0);
  await redeliver(pipeline, (await lineOf(pipeline, told.job))!);
  expect(await handleDelivery(pipeline, told, 0)).toMatchObject({ kind: 'failed' });
  expect(await lineOf(pipeline, told.job)).toMatchObject({ status: 'pending', attempts: [{ status: 500 }, { status: 500 }] });
  receiver.answer = takes;
  await handleDelivery(pipeline, told, 0);
  expect(await lineOf(pipeline, told.job)).toMatchObject({ status: 'delivered' });
});

test('the schedule is that of the notifier: a longer one holds for deliveries that are on their way', async () => {
  const { job } = await endJob(await open([0.01]));
  const after = await open([0.01, 0.01, 0.01, 0.01]);
  consume(after);
  await untilLine(after, job, 'failed');
  expect(receiver.received).toHaveLength(5);
});

test('a receiver that does not answer holds no others up, and what stepped aside for them is sent at its first try', async () => {
  const pipeline = await open([]);
  const held: (() => void)[] = [];
  receiver.answer = (received, response) => void held.push(() => takes(received, response));
  const jobs: string[] = [];
  for (let count = 0; count < 8; count += 1) jobs.push((await endJob(pipeline)).job);
  const other = await startReceiver();
  try {
    other.answer = takes;
    await createWebhook(pipeline, { name: 'other', url: other.url, payload: 'thin' });
    await endJob(pipeline, 'other');
    consume(pipeline);
    await until(pipeline, async () => other.received.length === 1 && receiver.received.length === 3);
    receiver.answer = takes;
    held.forEach((letGo) => letGo());
    for (const job of jobs) await untilLine(pipeline, job, 'delivered');
    expect((await listDeliveries(pipeline, 'orders', 10)).map(({ attempts }) => attempts.length)).toEqual(jobs.map(() => 1));
  } finally {
    other.close();
  }
});

test('a receiver that was quick may take every slot', async () => {
  const pipeline = await open([]);
  receiver.answer = takes;
  const first = await endJob(pipeline);
  consume(pipeline);
  await untilLine(pipeline, first.job, 'delivered');
  const held: (() => void)[] = [];
  receiver.answer = (received, response) => void held.push(() => takes(received, response));
  for (let count = 0; count < 5; count += 1) await endJob(pipeline);
  await until(pipeline, () => Promise.resolve(held.length === 5));
  held.forEach((letGo) => letGo());
});

test('an entry that may not be tried as often as the schedule says fails in the log too', async () => {
  const pipeline = await open([0.01, 0.01]);
  const told = await endJob(pipeline);
  const queue = queueOf(pipeline, DELIVER_QUEUE);
  await queue.obliterate({ force: true });
  await queue.add(told.event, told, { attempts: 1, backoff: { type: 'schedule' } });
  consume(pipeline);
  await untilLine(pipeline, told.job, 'failed');
  expect(receiver.received).toHaveLength(1);
  expect(await lineOf(pipeline, told.job)).toMatchObject({ next_attempt_at: null });
});

test('a webhook that is deleted takes its log with it, and a delivery that was on its way makes none', async () => {
  const pipeline = await open([0.01]);
  const logged = await endJob(pipeline);
  const told = await endJob(pipeline);
  await handleDelivery(pipeline, logged, 0);
  await deleteWebhook(pipeline, 'orders');
  await handleDelivery(pipeline, told, 0);
  consume(pipeline);
  await until(pipeline, async () => (await entriesOf(pipeline, DELIVER_QUEUE)).length === 0);
  expect(await keysLike(pipeline.redis, '*deliver*:msg*')).toEqual([]);
  expect(await pipeline.redis.exists('{upshift-0}:webhook:orders:deliveries')).toBe(0);
  expect(receiver.received).toHaveLength(1);
});

/** Puts another endpoint, which asks for less, in the place of one. */
async function replaceWebhook(pipeline: TestPipeline): Promise<void> {
  await deleteWebhook(pipeline, 'orders');
  // Two that are made within one millisecond could not be told apart.
  await until(pipeline, async () => new Date().toISOString() > (await readWebhook(pipeline, 'full'))!.created_at);
  await createWebhook(pipeline, { name: 'orders', url: receiver.url, payload: 'thin' });
}

test('what a deleted webhook was to get goes to none that has its name afterwards, nor does the log know of it', async () => {
  const pipeline = await open([60]);
  await deleteWebhook(pipeline, 'orders');
  await createWebhook(pipeline, { name: 'orders', url: receiver.url, payload: 'full' });
  await createWebhook(pipeline, { name: 'full', url: receiver.url, payload: 'full' });
  const told = await endJob(pipeline);
  receiver.answer = (_received, response) => void replaceWebhook(pipeline).finally(() => void response.writeHead(410).end());
  await handleDelivery(pipeline, told, 0);
  expect(await lineOf(pipeline, told.job)).toBeUndefined();
  expect(await readWebhook(pipeline, 'orders')).toMatchObject({ enabled: true, payload: 'thin' });
  receiver.answer = takes;
  await handleDelivery(pipeline, told, 1);
  expect(receiver.received.map(({ body }) => body.includes('"object":"job"'))).toEqual([true, false]);
});

test('a line stays as long as any change of it said, and the list of them is cut and has an end', async () => {
  const pipeline = await open([60]);
  const { redis, keys } = pipeline;
  const told = await endJob(pipeline);
  await redis.zadd(keys.deliveries('orders'), 1, 'msg_old');
  const next = new Date(Date.now() + 10 * HOUR_S * 1000).toISOString();
  await changeDelivery(pipeline, told, (line) => ({ ...line, next_attempt_at: next }));
  await changeDelivery(pipeline, told, (line) => ({ ...line, status: 'delivered', next_attempt_at: null }));
  const [line = ''] = await keysLike(redis, '*:delivery:*');
  expect(await redis.pttl(line)).toBeGreaterThan(10 * HOUR_S * 1000);
  expect(await redis.zrange(keys.deliveries('orders'), '0', '-1')).toEqual([`msg_${told.job}_1`]);
  expect(await redis.pttl(keys.deliveries('orders'))).toBeGreaterThan(HOUR_S * 1000);
});

test('a delivery that is given up is logged as failed, unless it was asked for again or its endpoint is gone', async () => {
  const pipeline = await open([60]);
  const { redis, keys } = pipeline;
  const [again, other, last] = [await endJob(pipeline), await endJob(pipeline), await endJob(pipeline)];
  await changeDelivery(pipeline, again, (line) => ({ ...line, redeliveries: 1 }));
  const entries = [again, { ...other, webhook: 'gone' }, last].map((data, index) => ({
    name: data.event,
    data,
    opts: { jobId: `given-up-${index}` },
  }));
  await queueOf(pipeline, DELIVER_QUEUE).drain();
  await queueOf(pipeline, DELIVER_QUEUE).addBulk(entries);
  consumers.push(consumeDeliveries([pipeline], 1, async () => ({ kind: 'failed', reason: 'for the test' })));
  await until(pipeline, async () => (await lineOf(pipeline, last.job))?.status === 'failed');
  expect((await lineOf(pipeline, again.job))?.status).toBe('pending');
  expect(await redis.exists(keys.deliveries('gone'))).toBe(0);
});

test('a delivery that fails while its process stops is logged as failed before that lets go of Redis', async () => {
  const [pipeline, stopping] = [await open([]), await open([])];
  const told = await endJob(pipeline);
  const begun = Promise.withResolvers<void>();
  const failure = Promise.withResolvers<DeliveryOutcome>();
  const consumer = consumeDeliveries([stopping], 1, async () => {
    begun.resolve();
    return failure.promise;
  });
  await begun.promise;
  const closed = consumer.close();
  failure.resolve({ kind: 'failed', reason: 'for the test' });
  await closed;
  stopping.redis.disconnect();
  expect((await lineOf(pipeline, told.job))?.status).toBe('failed');
});

test('a delivery is asked for again whatever the clock says, and its log keeps the newest tries', async () => {
  const pipeline = await open([60]);
  const told = await endJob(pipeline);
  const later = Date.now() + HOUR_S * 1000;
  const attempts = Array.from({ length: 60 }, (_, index) => ({ at: '', status: 200 + index, error: null, duration_ms: 1 }));
  await changeDelivery(pipeline, told, (line) => ({ ...line, attempts, status: 'failed', redeliveries: later }));
  const line = (await lineOf(pipeline, told.job))!;
  expect(line.attempts).toEqual(attempts.slice(10));
  await redeliver(pipeline, line);
  expect(await lineOf(pipeline, told.job)).toMatchObject({ status: 'pending', redeliveries: later + 1 });
});

test('a webhook that is made while one of its name is deleted is whole, or refused', async () => {
  const pipeline = await open([]);
  const deleting = deleteWebhook(pipeline, 'orders');
  const making = createWebhook(pipeline, { name: 'orders', url: 'https://example.com', payload: 'thin' });
  const isMade = await making.then(Boolean, () => false);
  await deleting;
  expect((await readWebhook(pipeline, 'orders')) !== null).toBe(isMade);
});

test('a body that was kept for another webhook of the same name is not sent', async () => {
  const pipeline = await open([60]);
  const told = await endJob(pipeline);
  await handleDelivery(pipeline, told, 0);
  const line = (await lineOf(pipeline, told.job))!;
  await changeDelivery(pipeline, told, () => ({ ...line, body: 'secret', endpointCreatedAt: '2026-01-01T00:00:00.000Z' }));
  receiver.answer = takes;
  await handleDelivery(pipeline, told, 1);
  expect(receiver.received.at(-1)?.body).toBe(receiver.received[0]?.body);
});

test('the newest delivery of a job is found among many, and what was not delivered page by page, the oldest first', async () => {
  const pipeline = await open([]);
  const told = await endJob(pipeline);
  const later = { ...told, revision: 2 };
  await handleDelivery(pipeline, told, 0);
  await handleDelivery(pipeline, later, 0);
  const others: string[] = [];
  for (let count = 0; count < 120; count += 1) {
    const other = { ...told, job: `job_0${String(count).padStart(30, '0')}` };
    await changeDelivery(pipeline, other, (line) => ({ ...line, status: count === 7 ? 'delivered' : 'failed' }));
    if (count !== 7) others.push(other.job);
  }
  expect(await lastDelivery(pipeline, 'orders', told.job)).toMatchObject({ job: told.job, revision: 2 });
  expect(await lastDelivery(pipeline, 'orders', 'job_x')).toBeNull();
  const found: string[] = [];
  for await (const { job } of undelivered(pipeline, 'orders')) found.push(job);
  expect(found.toSorted()).toEqual([told.job, told.job, ...others].toSorted());
  expect(found.slice(0, 2)).toEqual([told.job, told.job]);
});
