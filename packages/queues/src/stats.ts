import type { JobState, JobStatus, UpshiftConfig } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import { costAlone, savingsCounters, usdToNanoUsd } from '@upshift/routing';
import type { Decision } from '@upshift/routing';

import type { Cells } from './cells/cells.ts';
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

/** Before the counters of savings: `saved:<route>:<name>`. */
export const SAVED = 'saved:';

/** Before those of the tiers that gave results. */
const ANSWERED = 'answered:';

type Ended = Exclude<JobStatus, 'queued' | 'in_progress'>;

/**
 * What a decision adds to the counters of its minute: names and amounts. The transition script adds them in its own step.
 *
 * @param before the job as it was
 */
export function countersOf(before: JobState, decision: Decision, config: UpshiftConfig): [string, number][] {
  return countersOfJob(before, decision, config).filter(
    ([name, amount]) => amount !== 0 && (isListed(decision.job) || isMoney(name)),
  );
}

/** Nobody sent a shadow: of it only the money counts. */
function isListed({ experiments }: JobState): boolean {
  return !experiments?.shadowOf;
}

function isMoney(counter: string): boolean {
  return counter === 'cost' || counter.startsWith(SAVED);
}

function countersOfJob(before: JobState, { job, trail }: Decision, config: UpshiftConfig): [string, number][] {
  const calls = trail.filter(({ event }) => event === 'attempt-settled' || event === 'attempt-failed');
  const costs = calls.map(({ cost_usd: costUsd }): [string, number] => ['cost', usdToNanoUsd(costUsd ?? 0)]);
  const reopened = trail.some(({ event }) => event === 'job-reopened');
  const endedNow = trail.some(({ event }) => event === `job-${job.status}`) && isTerminal(job.status);
  const saved = savingsCounters(before, { job, trail }, config).map(([name, amount]): [string, number] => [
    savedName(job.route, name),
    amount,
  ]);
  return [
    ...costs,
    ...saved,
    ...(reopened ? endCounters(before, config, -1) : []),
    ...(endedNow ? endCounters(job, config, 1) : []),
  ];
}

/** Made once: a text that is put together anew must be hashed anew wherever it is looked up. */
const savedNames = new Map<string, Map<string, string>>();

function savedName(route: string, name: string): string {
  let ofRoute = savedNames.get(route);
  if (ofRoute === undefined) savedNames.set(route, (ofRoute = new Map()));
  let full = ofRoute.get(name);
  if (full === undefined) ofRoute.set(name, (full = `${SAVED}${route}:${name}`));
  return full;
}

function endCounters(job: JobState, config: UpshiftConfig, sign: 1 | -1): [string, number][] {
  const answered = job.finalAttempt === null ? undefined : job.attempts[job.finalAttempt - 1];
  return [
    [`ended:${job.status}`, sign],
    // At the prices of the end also where that is taken back later: as much as was counted.
    ['alone', sign * (costAlone(job, config, job.completedAt!) ?? 0)],
    ...(answered === undefined ? [] : ([[`${ANSWERED}${answered.tier}`, sign]] satisfies [string, number][])),
  ];
}

/** The counters of a span of minutes over all cells, both ends included; minutes in which nothing happened are all zero. */
export async function readStats(cells: Cells, fromMinute: number, toMinute: number): Promise<MinuteStats[]> {
  const minutes = Array.from({ length: Math.max(0, toMinute - fromMinute + 1) }, (_, index) => fromMinute + index);
  const counters = await Promise.all((await cells.all()).map((cell) => readCounters(cell, minutes)));
  return minutes.map((minute, index) => statsOf(minute, sumOf(counters.map((ofCell) => ofCell[index] ?? {}))));
}

/** The sums of all counters over a span of minutes and all cells. */
export async function readSums(cells: Cells, fromMinute: number, toMinute: number): Promise<Record<string, number>> {
  const minutes = Array.from({ length: Math.max(0, toMinute - fromMinute + 1) }, (_, index) => fromMinute + index);
  return sumOf((await Promise.all((await cells.all()).map((cell) => readCounters(cell, minutes)))).flat());
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
