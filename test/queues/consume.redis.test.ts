import { once } from 'node:events';

import {
  accept,
  acceptAll,
  advance,
  CLASSIFY_QUEUE,
  consume,
  consumeDeliveries,
  DELIVER_QUEUE,
  done,
  modelQueue,
  queueOf,
  reconcile,
  SCORE_QUEUE,
} from '@upshift/queues';
import type { Consumer } from '@upshift/queues';
import { UnrecoverableError, Worker } from 'bullmq';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { connect } from '../../packages/queues/src/connection.ts';
import { answered, judged, LOW, question, sent } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { entriesOf, simple, stateOf, until, untilBlocked } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const consumers: Consumer[] = [];
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
});

const classifyQueue = () => queueOf(pipeline, CLASSIFY_QUEUE);
const asking = () => ({ request: question, key: null, traceparent: null });
const payloadOf = (job: string, epoch = 1) => ({
  job,
  revision: 1,
  epoch,
  step: { kind: 'classify' },
  route: 'default',
  task: null,
  model: null,
  purpose: null,
});

function consumeClassify(seen: string[]): void {
  consumers.push(
    consume([pipeline], CLASSIFY_QUEUE, 'classify', 4, async ({ job }) => {
      seen.push(job.id);
      await advance(pipeline, job.id, simple);
      return done;
    }),
  );
}

async function finished(id: string): Promise<string> {
  let state = 'unknown';
  await until(pipeline, async () => ['completed', 'failed'].includes((state = await classifyQueue().getJobState(id))));
  return state;
}

test('an entry that is delivered twice has one effect', async () => {
  const seen: string[] = [];
  const { id } = await accept(pipeline, question, null);
  await classifyQueue().add('classify', payloadOf(id), { jobId: `${id}.twin` });
  consumeClassify(seen);
  expect(await finished(`${id}.twin`)).toBe('completed');
  expect(await finished(`${id}.1.classify.1`)).toBe('completed');
  expect(await entriesOf(pipeline, modelQueue('economy', LOW))).toEqual([`${id}.1.call-1.2`]);
});

test('entries that come together are taken at once by as many processes as wait', async () => {
  const seen: string[] = [];
  const both = Promise.withResolvers<void>();
  for (const _ of [1, 2]) {
    const line = consume([pipeline], CLASSIFY_QUEUE, 'classify', 1, async ({ job, advance: move }) => {
      if (seen.push(job.id) === 2) both.resolve();
      await both.promise;
      await move(simple);
      return done;
    });
    consumers.push(line);
  }
  await untilBlocked(pipeline, 2);
  const beganAt = performance.now();
  await acceptAll(pipeline, [asking(), asking(), asking()]);
  await both.promise;
  // Without the word, which each passes on, it looks again after 5 s.
  expect(performance.now() - beganAt).toBeLessThan(3000);
});

test('a call is locked when it is taken, for as long as locks hold', async () => {
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  const lock = `{upshift-0}:${modelQueue('economy', LOW)}:${id}.1.call-1.2:lock`;
  const leftMs = Promise.withResolvers<number>();
  const line = consume([pipeline], modelQueue('economy', LOW), 'call', 1, async () => {
    leftMs.resolve(await pipeline.redis.pttl(lock));
    return done;
  });
  consumers.push(line);
  expect(await leftMs.promise).toSatisfy((ms: number) => ms > 5000 && ms <= 10_000);
});

test('who has an entry in hand that went back to its queue is told that it is lost', async () => {
  const { id } = await accept(pipeline, question, null);
  const entry = `${id}.1.classify.1`;
  const lost = Promise.withResolvers<string>();
  const line = consume([pipeline], CLASSIFY_QUEUE, 'classify', 1, async ({ signal }) => {
    await pipeline.redis.lrem('{upshift-0}:classify:active', 1, entry);
    await pipeline.redis.rpush('{upshift-0}:classify:wait', entry);
    if (!signal.aborted) await once(signal, 'abort');
    lost.resolve(await classifyQueue().getJobState(entry));
    return done;
  });
  consumers.push(line);
  expect(await lost.promise).toBe('waiting');
  expect(await pipeline.redis.exists(`{upshift-0}:classify:${entry}:lock`)).toBe(0);
});

test('an entry of an earlier epoch is dropped unread', async () => {
  const seen: string[] = [];
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, { type: 'step-lost', epoch: 1, reason: 'for the test' });
  consumeClassify(seen);
  expect(await finished(`${id}.1.classify.1`)).toBe('completed');
  expect(await finished(`${id}.1.classify.2`)).toBe('completed');
  expect(seen).toEqual([id]);
});

test('who hangs over a step that another one has begun anew meanwhile asks no second judge, and its verdict is none', async () => {
  const { id } = await accept(pipeline, question, null);
  for (const event of [simple, sent(1), answered(1)]) await advance(pipeline, id, event);
  const judge = { type: 'judge-requested', attempt: 1, check: 0 } as const;
  const changed: unknown[] = [];
  const consumer = consume([pipeline], SCORE_QUEUE, 'score', 1, async ({ job, advance: move }) => {
    if (job.attempts.length === 1) {
      for (const event of [judge, sent(2, 4), answered(2)]) await advance(pipeline, id, event);
      for (const event of [judge, judged(1, 0.1)]) changed.push((await move(event))?.changed);
    } else await move(judged(1, 0.9));
    return done;
  });
  consumers.push(consumer);
  await until(pipeline, async () => changed.length === 2);
  expect(changed).toEqual([false, false]);
  await until(pipeline, async () => (await stateOf(pipeline, id)).status === 'completed');
  expect((await stateOf(pipeline, id)).attempts.map(({ purpose, score }) => [purpose, score])).toEqual([
    ['answer', 0.9],
    ['judge', null],
  ]);
});

test.each([
  ['malformed', { nonsense: true }, 'malformed entry'],
  ['of an unknown job', payloadOf('job_0gone'), 'no such job'],
])('an entry that is %s is discarded at once, never tried again', async (_, data, reason) => {
  const seen: string[] = [];
  await classifyQueue().add('classify', data, { jobId: 'bad', attempts: 20 });
  consumeClassify(seen);
  expect(await finished('bad')).toBe('failed');
  const entry = await classifyQueue().getJob('bad');
  expect(entry?.failedReason).toContain(reason);
  expect(entry?.attemptsMade).toBe(1);
  expect(seen).toEqual([]);
});

test('a handler that throws is called again, and the job goes on when it no longer does', async () => {
  const { id } = await accept(pipeline, question, null);
  let calls = 0;
  consumers.push(
    consume([pipeline], CLASSIFY_QUEUE, 'classify', 1, async () => {
      calls += 1;
      if (calls === 1) throw new Error('a bug');
      await advance(pipeline, id, simple);
      return done;
    }),
  );
  expect(await finished(`${id}.1.classify.1`)).toBe('completed');
  expect(calls).toBe(2);
});

test('what Redis can not take is said once of all steps, and each is done when it can', async () => {
  const said = vi.spyOn(pipeline.logger, 'warn');
  const errors = vi.spyOn(pipeline.logger, 'error');
  const { id } = await accept(pipeline, question, null);
  const { id: other } = await accept(pipeline, question, null);
  const refused = new Set<string>();
  consumers.push(
    consume([pipeline], CLASSIFY_QUEUE, 'classify', 2, async ({ job }) => {
      if (!refused.has(job.id)) {
        refused.add(job.id);
        throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
      }
      await advance(pipeline, job.id, simple);
      return done;
    }),
  );
  for (const one of [id, other]) expect(await finished(`${one}.1.classify.1`)).toBe('completed');
  expect(said.mock.calls.map(([, what]) => what)).toEqual(['steps fail']);
  expect(errors).not.toHaveBeenCalled();
});

test('a step that fails for good ends its job, with the reason', async () => {
  const { id } = await accept(pipeline, question, null);
  consumers.push(consume([pipeline], CLASSIFY_QUEUE, 'classify', 1, async () => ({ kind: 'discard', reason: 'poison' })));
  await until(pipeline, async () => (await stateOf(pipeline, id)).status === 'failed');
  expect((await stateOf(pipeline, id)).reasons).toEqual(['quarantined: poison']);
});

test('a step that failed for good while nobody could say so is ended by the reconciler', async () => {
  const { id } = await accept(pipeline, question, null);
  const connection = connect(pipeline.url, { failFast: false });
  const stranger = new Worker(CLASSIFY_QUEUE, undefined, { connection, prefix: '{upshift-0}' });
  const entry = await stranger.getNextJob('token');
  await entry?.moveToFailed(new UnrecoverableError('for good'), 'token');
  await stranger.close();
  connection.disconnect();
  expect(await reconcile(pipeline, -1)).toBe(1);
  expect(await stateOf(pipeline, id)).toMatchObject({ status: 'failed', reasons: ['quarantined: its step failed for good'] });
});

test('the entry of a consumer that was killed is delivered to another', { timeout: 60_000 }, async () => {
  const { id } = await accept(pipeline, question, null);
  const connection = connect(pipeline.url, { failFast: false });
  const killed = new Worker(CLASSIFY_QUEUE, undefined, { connection, prefix: '{upshift-0}', lockDuration: 1 });
  expect((await killed.getNextJob('token'))?.id).toBe(`${id}.1.classify.1`);
  connection.disconnect();
  const seen: string[] = [];
  consumeClassify(seen);
  await until(pipeline, async () => seen.length > 0);
  expect(await finished(`${id}.1.classify.1`)).toBe('completed');
  expect(seen).toEqual([id]);
});

test('ends of jobs and stalled entries are counted from 0 on: a series that begins with an outage shows no increase', async () => {
  consumeClassify([]);
  consumers.push(consumeDeliveries([pipeline], 1, async () => ({ kind: 'done' })));
  const { jobsEnded, stalled } = pipeline.metrics;
  const [ends, stalls] = await Promise.all([jobsEnded.get(), stalled.get()]);
  expect(ends.values.map(({ labels, value }) => [labels.status, value])).toEqual([
    ['completed', 0],
    ['failed', 0],
    ['cancelled', 0],
    ['expired', 0],
  ]);
  expect(stalls.values.map(({ labels, value }) => [labels.queue, value])).toEqual([
    [CLASSIFY_QUEUE, 0],
    [DELIVER_QUEUE, 0],
  ]);
});
