import type { MinuteStats } from '@upshift/queues';
import { nanoUsdToUsd } from '@upshift/routing';

/** How far back the plots go, in minutes, and how many minutes one point stands for: 60 to 96 points. */
export const ranges = {
  '1h': { minutes: 60, bucket: 1, label: '1 hour' },
  '6h': { minutes: 360, bucket: 5, label: '6 hours' },
  '24h': { minutes: 1440, bucket: 15, label: '24 hours' },
} as const;
export type RangeName = keyof typeof ranges;

/** What the browser draws: one value per bucket in every list. */
export interface Plots {
  /** Minutes per bucket. */
  bucket: number;
  /** Begin of each bucket, in seconds since the epoch. */
  at: number[];
  /** Per minute. */
  throughput: { accepted: number[]; completed: number[]; failed: number[] };
  /** USD per bucket: what was paid, and what the top tier's first model alone would have cost. */
  cost: { actual: number[]; alone: number[] };
  /** Jobs per bucket by the tier of their result. */
  tiers: { name: string; answered: number[] }[];
}

/** The first minute of a range that ends with the current minute; buckets begin at multiples of their length. */
export function firstMinuteOf(range: RangeName, lastMinute: number): number {
  const { minutes, bucket } = ranges[range];
  return Math.floor(lastMinute / bucket) * bucket - minutes + bucket;
}

/** Sums minutes up into buckets. `stats` begins with a bucket and has no gaps; its last minute is the current one. */
export function plotsOf(stats: MinuteStats[], range: RangeName, tiers: string[]): Plots {
  const { bucket } = ranges[range];
  const buckets = Array.from({ length: Math.ceil(stats.length / bucket) }, (_, index) =>
    stats.slice(index * bucket, (index + 1) * bucket),
  );
  const perBucket = (value: (minute: MinuteStats) => number): number[] => buckets.map((minutes) => sum(minutes, value));
  // The last bucket has fewer minutes until it is full.
  const perMinute = (value: (minute: MinuteStats) => number): number[] =>
    buckets.map((minutes) => sum(minutes, value) / minutes.length);
  return {
    bucket,
    at: buckets.map(([first]) => (first?.minute ?? 0) * 60),
    throughput: {
      accepted: perMinute(({ accepted }) => accepted),
      completed: perMinute(({ ended }) => ended.completed),
      failed: perMinute(({ ended }) => ended.failed + ended.expired),
    },
    cost: {
      actual: perBucket(({ costNanoUsd }) => costNanoUsd).map(nanoUsdToUsd),
      alone: perBucket(({ aloneNanoUsd }) => aloneNanoUsd).map(nanoUsdToUsd),
    },
    tiers: tiersIn(stats, tiers).map((name) => ({ name, answered: perBucket(({ answered }) => answered[name] ?? 0) })),
  };
}

/** The sum of one of the counters over minutes; none where more was taken back, by a late verdict, than ended in them. */
export function sum(minutes: MinuteStats[], value: (minute: MinuteStats) => number): number {
  return Math.max(
    0,
    minutes.reduce((total, minute) => total + value(minute), 0),
  );
}

/** Those of the configuration in their order, then those that only the past knows. */
function tiersIn(stats: MinuteStats[], tiers: string[]): string[] {
  return [...new Set([...tiers, ...stats.flatMap(({ answered }) => Object.keys(answered)).toSorted()])];
}
