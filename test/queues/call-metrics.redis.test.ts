import { accept, advance } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { answered, exampleConfig, failed, LOW, question, requestOf, sent } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});
afterEach(() => void vi.useRealTimers());

async function acceptOne(request = question): Promise<string> {
  return (await accept(pipeline, request, null)).id;
}

test('an attempt that ends without a call counts as no call of its model', async () => {
  const { metrics } = pipeline;
  const counted = async () => {
    const [calls, durations] = await Promise.all([metrics.attempts.get(), metrics.callSeconds.get()]);
    const made = durations.values.filter(({ metricName }) => metricName?.endsWith('_count'));
    return [calls.values, made].map((values) => values.reduce((sum, { value }) => sum + value, 0));
  };
  const denied = await acceptOne();
  await advance(pipeline, denied, simple);
  const { error } = failed(1, 'timeout');
  await advance(pipeline, denied, { type: 'place-denied', attempt: 1, epoch: 2, error });
  const open = await acceptOne();
  for (const event of [simple, sent(1), failed(1, 'circuit_open')]) await advance(pipeline, open, event);
  expect((await stateOf(pipeline, denied)).attempts[0]).toMatchObject({ outcome: 'failed', sentAt: null });
  expect((await stateOf(pipeline, open)).attempts[0]).toMatchObject({ outcome: 'failed' });
  expect(await counted()).toEqual([0, 0]);
  const made = await acceptOne();
  for (const event of [simple, sent(1), answered(1)]) await advance(pipeline, made, event);
  expect(await counted()).toEqual([1, 1]);
});

test('a model that does not say in time how complex a prompt is counts as one that failed, but not where its worker stopped', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const asking = exampleConfig((file) => void (file.classifier['llm'] = { models: [LOW], timeout_s: 2 }));
  const classifying = await anotherPipeline(asking);
  const askedFor = async (ms: number): Promise<void> => {
    const { id } = await accept(classifying, question, null);
    for (const event of [{ type: 'classify-requested' }, sent(1)] as const) await advance(classifying, id, event);
    vi.setSystemTime(Date.now() + ms);
    await advance(classifying, id, failed(1, 'aborted', { maybeBilled: true }));
  };
  await askedFor(2000);
  await askedFor(1000);
  vi.useRealTimers();
  const { values } = await classifying.metrics.attempts.get();
  const counts = values.flatMap(({ value, labels }) => (value > 0 ? [[labels['outcome'], value]] : []));
  expect(counts).toEqual([
    ['deadline', 1],
    ['aborted', 1],
  ]);
});

test.each([
  ['for most of its time', 30_000, { type: 'deadline-passed' }, 'deadline'],
  ['for its last moments', 90_000, { type: 'deadline-passed' }, 'aborted'],
  ['until its client cancelled it', 30_000, { type: 'cancelled' }, 'aborted'],
] as const)(
  'a call that hung on a job with a deadline %s counts as a failure of its model only there',
  async (_what, sentMs, end, outcome) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const begun = Date.now();
    const at = (ms: number) => vi.setSystemTime(begun + ms);
    const deadline = new Date(begun + 100_000).toISOString();
    const id = await acceptOne(requestOf({ input: { prompt: 'Why?' }, limits: { deadline } }));
    at(sentMs);
    for (const event of [simple, sent(1)]) await advance(pipeline, id, event);
    at(101_000);
    await advance(pipeline, id, end);
    await advance(pipeline, id, failed(1, 'aborted', { maybeBilled: true }));
    const { values } = await pipeline.metrics.attempts.get();
    expect(values.filter(({ value }) => value > 0).map(({ labels }) => labels['outcome'])).toEqual([outcome]);
  },
);
