import { listenToSignals } from '@upshift/queues';
import type { Signals } from '@upshift/queues';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { anotherPipeline } from './bed.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;
let signals: Signals;

beforeEach(async () => {
  pipeline = await anotherPipeline();
  signals = await listenToSignals(pipeline, 'ended');
});
afterEach(async () => {
  signals.close();
});

const never = new AbortController().signal;

async function publish(ids: string[]): Promise<void> {
  await pipeline.redis.publish('upshift:ended', ids.join(','));
}

test('who listens hears of the end of its job, and who comes just afterwards is told', async () => {
  const first = signals.ended('job_1', never);
  expect(signals.hasJustEnded('job_2')).toBe(false);
  await publish(['job_2', 'job_1']);
  await first;
  expect(signals.hasJustEnded('job_2')).toBe(true);
});

test('the newest thousand ends are remembered', async () => {
  const last = signals.ended('job_1000', never);
  for (let from = 0; from <= 1000; from += 7) await publish(Array.from({ length: 7 }, (_, index) => `job_${from + index}`));
  await last;
  expect(['job_0', 'job_1', 'job_1000'].map((id) => signals.hasJustEnded(id))).toEqual([false, true, true]);
});
