import type { JobStatus } from '@upshift/contracts';

import type { Cells } from './cells/cells.ts';
import { ANSWERED, SAVED } from './counters.ts';
import { repliesOf } from './indexes.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * What happened in one minute. Money in nano-dollars, known costs only. A job that a late verdict reopens is taken out of what has ended, so
 * that its next end counts once: a minute may have less than none.
 */
export interface MinuteStats {
  /** Minutes since the epoch. */
  minute: number;
  accepted: number;
  ended: Record<Ended, number>;
  costNanoUsd: number;
  /** Of the cost: shadows and audits, which answer no job. */
  besideNanoUsd: number;
  /** What the top tier's first model alone would have cost for the jobs that got an answer. */
  aloneNanoUsd: number;
  /** Jobs by the tier of their result. */
  answered: Record<string, number>;
}

type Ended = Exclude<JobStatus, 'queued' | 'in_progress'>;

/** The counters of a span of minutes over all cells, both ends included; minutes in which nothing happened are all zero. */
export async function readStats(cells: Cells, fromMinute: number, toMinute: number): Promise<MinuteStats[]> {
  const minutes = minutesOf(fromMinute, toMinute);
  const counters = await Promise.all((await cells.all()).map((cell) => readCounters(cell, minutes)));
  return minutes.map((minute, index) => statsOf(minute, sumOf(counters.map((ofCell) => ofCell[index] ?? {}))));
}

/** The sums of all counters over a span of minutes and all cells. */
export async function readSums(cells: Cells, fromMinute: number, toMinute: number): Promise<Record<string, number>> {
  const minutes = minutesOf(fromMinute, toMinute);
  return sumOf((await Promise.all((await cells.all()).map((cell) => readCounters(cell, minutes)))).flat());
}

function minutesOf(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

type Counters = Record<string, string | number>;

async function readCounters({ redis, keys }: Pipeline, minutes: number[]): Promise<Counters[]> {
  const pipelined = redis.pipeline();
  for (const minute of minutes) pipelined.hgetall(keys.stats(minute));
  return repliesOf<Counters>(pipelined);
}

function sumOf(all: Counters[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, amount] of all.flatMap((counters) => Object.entries(counters))) sum[name] = (sum[name] ?? 0) + Number(amount);
  return sum;
}

/** Counted for the savings of each route already. */
function besideOf(counters: Counters): number {
  const ofRoutes = Object.entries(counters).filter(([name]) => name.startsWith(SAVED) && name.endsWith(':audits'));
  return ofRoutes.reduce((sum, [, amount]) => sum + Number(amount), 0);
}

function statsOf(minute: number, counters: Counters): MinuteStats {
  const count = (name: string): number => Number(counters[name] ?? 0);
  return {
    minute,
    accepted: count('accepted'),
    ended: {
      completed: count('ended:completed'),
      failed: count('ended:failed'),
      cancelled: count('ended:cancelled'),
      expired: count('ended:expired'),
    },
    costNanoUsd: count('cost'),
    besideNanoUsd: besideOf(counters),
    aloneNanoUsd: count('alone'),
    answered: answeredIn(counters),
  };
}

function answeredIn(counters: Counters): Record<string, number> {
  const named = Object.entries(counters).filter(([name]) => name.startsWith(ANSWERED));
  return Object.fromEntries(named.map(([name, amount]) => [name.slice(ANSWERED.length), Number(amount)]));
}
