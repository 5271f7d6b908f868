import type { MinuteStats } from '@upshift/queues';
import { expect, test } from 'vitest';

import { firstMinuteOf, plotsOf } from '../../services/console/src/plots.ts';

function minuteStats(minute: number, changes: Partial<MinuteStats> = {}): MinuteStats {
  return {
    minute,
    accepted: 0,
    ended: { completed: 0, failed: 0, cancelled: 0, expired: 0 },
    costNanoUsd: 0,
    besideNanoUsd: 0,
    aloneNanoUsd: 0,
    answered: {},
    ...changes,
  };
}

test.each([
  ['1h', 1_000_003, 60],
  ['6h', 1_000_003, 72],
  ['24h', 1_000_003, 96],
] as const)('%s begins with a whole bucket and has its number of points', (range, last, points) => {
  const first = firstMinuteOf(range, last);
  const stats = Array.from({ length: last - first + 1 }, (_, index) => minuteStats(first + index));
  const { at, bucket } = plotsOf(stats, range, []);
  expect(first % bucket).toBe(0);
  expect(at).toHaveLength(points);
});

test('rates are per minute, also of a bucket that is still filling; money and answers are per bucket', () => {
  const busy = { accepted: 6, costNanoUsd: 2_000_000_000, aloneNanoUsd: 5_000_000_000, answered: { economy: 3 } };
  const stats = Array.from({ length: 7 }, (_, index) => minuteStats(100 + index, busy));
  const plots = plotsOf(stats, '6h', ['economy']);
  expect(plots).toMatchObject({
    at: [6000, 6300],
    throughput: { accepted: [6, 6] },
    cost: { actual: [10, 4], alone: [25, 10] },
    tiers: [{ name: 'economy', answered: [15, 6] }],
  });
});

test('failed and expired jobs are one line, cancelled ones are none', () => {
  const stats = [minuteStats(1, { ended: { completed: 4, failed: 2, cancelled: 9, expired: 1 } })];
  expect(plotsOf(stats, '1h', []).throughput).toEqual({ accepted: [0], completed: [4], failed: [3] });
});

test('a minute in which a job was only reopened, and taken back where it had ended, draws nothing below zero', () => {
  const reopened = { ended: { completed: -1, failed: 0, cancelled: 0, expired: 0 }, aloneNanoUsd: -5, answered: { economy: -1 } };
  expect(plotsOf([minuteStats(1, reopened)], '1h', [])).toMatchObject({
    throughput: { completed: [0] },
    cost: { alone: [0] },
    tiers: [{ name: 'economy', answered: [0] }],
  });
});

test('tiers stand in the order of the configuration, and one that left it is not forgotten', () => {
  const stats = [minuteStats(1, { answered: { gone: 1, premium: 2 } })];
  expect(plotsOf(stats, '1h', ['economy', 'premium']).tiers.map(({ name }) => name)).toEqual(['economy', 'premium', 'gone']);
});
