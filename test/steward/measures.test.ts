import { createMetrics } from '@upshift/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createMeasures } from '../../services/steward/src/measures.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what was measured last is exported for 20 s, and no longer while Redis does not answer', async () => {
  const metrics = createMetrics('test');
  const exported = async (): Promise<number> => {
    const gauges = await Promise.all([metrics.queueDepth.get(), metrics.oldestWaitingSeconds.get()]);
    return gauges.reduce((sum, { values }) => sum + values.length, 0);
  };
  let redis = Promise.resolve();
  const measures = createMeasures(metrics, async (queue: string) => {
    await redis;
    metrics.queueDepth.set({ queue, tier: '', state: 'waiting' }, 3);
    metrics.oldestWaitingSeconds.set({ queue, tier: '' }, 400);
  });

  await measures.take('classify');
  vi.advanceTimersByTime(15_000);
  await measures.take('classify');
  const back = Promise.withResolvers<void>();
  redis = back.promise;
  vi.advanceTimersByTime(15_000);
  const hanging = measures.take('classify');
  expect(await exported()).toBe(2);
  vi.advanceTimersByTime(5000);
  expect(await exported()).toBe(0);

  back.resolve();
  await hanging;
  expect(await exported()).toBe(2);
});
