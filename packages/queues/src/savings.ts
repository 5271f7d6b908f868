import type { SavingsView } from '@upshift/contracts';
import { savingsOf } from '@upshift/routing';
import type { RouteCounters } from '@upshift/routing';

import type { Cells } from './cells/cells.ts';
import { SAVED } from './counters.ts';
import { minuteOf } from './minute.ts';
import { globalKeys } from './names.ts';
import { readSums } from './stats.ts';

const DAY_MS = 24 * 3_600_000;
const DAY_MINUTES = 24 * 60;
/** How long the sums of a day are kept. */
const KEPT_MS = 400 * DAY_MS;

/**
 * Sums the minutes of yesterday and today up, because minutes are kept for two days only. What is written is the whole sum of a day, so that
 * doing it again, or twice at once, changes nothing.
 */
export async function keepSavings(cells: Cells): Promise<void> {
  const today = dayOf(Date.now());
  for (const day of [today - 1, today]) {
    const sums = await sumsOfDay(cells, day);
    if (Object.keys(sums).length === 0) continue;
    const key = globalKeys.savings(day);
    await cells.redis.multi().hset(key, sums).pexpire(key, KEPT_MS).exec();
  }
}

/** The savings of the last days, today's included up to now. */
export async function readSavings(cells: Cells, days: number): Promise<SavingsView> {
  const today = dayOf(Date.now());
  const earlier = Array.from({ length: days - 1 }, (_, index) => today - days + 1 + index);
  const sums = await Promise.all([
    ...earlier.map((day) => cells.redis.hgetall(globalKeys.savings(day))),
    sumsOfDay(cells, today),
  ]);
  return savingsOf(byRoute(sums), cells.config, { from: dateOf(today - days + 1), to: dateOf(today) });
}

async function sumsOfDay(cells: Cells, day: number): Promise<Record<string, number>> {
  const last = Math.min(minuteOf(Date.now()), (day + 1) * DAY_MINUTES - 1);
  const sums = await readSums(cells, day * DAY_MINUTES, last);
  return Object.fromEntries(Object.entries(sums).filter(([name]) => name.startsWith(SAVED)));
}

function byRoute(sums: Record<string, string | number>[]): RouteCounters {
  // Without a prototype: a route may be called constructor.
  const routes = Object.create(null) as RouteCounters;
  for (const [name, amount] of sums.flatMap((one) => Object.entries(one))) {
    const [, route = '', ...counter] = name.split(':');
    const counters = (routes[route] ??= {});
    counters[counter.join(':')] = (counters[counter.join(':')] ?? 0) + Number(amount);
  }
  return routes;
}

/** Days since the epoch, in UTC. */
function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
