import type { SavingsRow, SavingsView, UpshiftConfig } from '@upshift/contracts';

import { firstModelOf, nanoUsdToUsd } from './cost.ts';
import { ANSWERS } from './savings-counters.ts';

/** Sums of `savingsCounters` over some days, by route. */
export type RouteCounters = Record<string, Record<string, number>>;

/** The first and the last day, as in 2026-11-23. */
interface Days {
  from: string;
  to: string;
}

/** Below so many first answers a share of passes is an accident. */
const FEWEST_FIRST_ANSWERS = 30;

/** What was paid, and what the same jobs would have cost otherwise. */
export function savingsOf(byRoute: RouteCounters, config: UpshiftConfig, days: Days): SavingsView {
  const total: Record<string, number> = {};
  for (const [name, amount] of Object.values(byRoute).flatMap(Object.entries<number>)) total[name] = (total[name] ?? 0) + amount;
  const routes = Object.entries(byRoute).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    ...days,
    total: rowOf(total, config),
    routes: Object.fromEntries(routes.map(([name, counters]) => [name, rowOf(counters, config)])),
  };
}

function rowOf(counters: Record<string, number>, config: UpshiftConfig): SavingsRow {
  const usd = (name: string): number => nanoUsdToUsd(counters[name] ?? 0);
  const [cost, scoring, perfect] = [usd('cost'), usd('scoring'), usd('perfect')];
  const models = modelsOf(counters);
  const whole = models.filter((one): one is Alternative => one.cost_usd !== null);
  const alone = (model: string | null): { model: string; cost_usd: number } | null => {
    const found = whole.find((one) => one.model === model);
    return found ? { model: found.model, cost_usd: found.cost_usd } : null;
  };
  const premium = alone(firstModelOf(config, config.tiers.at(-1)!.name));
  const [jobs, good] = [counters['jobs'] ?? 0, counters['good'] ?? 0];
  return {
    jobs,
    good,
    cost_usd: cost,
    scoring_usd: scoring,
    lost_usd: nanoUsdToUsd(Math.max(0, (counters['cost'] ?? 0) - (counters['scoring'] ?? 0) - (counters['perfect'] ?? 0))),
    perfect_usd: perfect,
    audits_usd: usd('audits'),
    all_premium: premium,
    all_economy: alone(firstModelOf(config, config.tiers[0]!.name)),
    best_single: alone(bestSingle(whole, jobs === 0 ? 0 : good / jobs)),
    saved_usd: premium === null ? null : nanoUsdToUsd((counters[`alone:${premium.model}`] ?? 0) - (counters['cost'] ?? 0)),
    models,
  };
}

type Model = SavingsRow['models'][number];
type Alternative = Model & { cost_usd: number };

function modelsOf(counters: Record<string, number>): Model[] {
  const told = (prefix: string): string[] =>
    Object.keys(counters).flatMap((name) => (name.startsWith(prefix) && counters[name] !== 0 ? [name.slice(prefix.length)] : []));
  const priced = told(ANSWERS).map((models) => models.split(' '));
  // The cost of a part of the answers is no cost of all: a model that was not there yet, or had no price, would look cheap.
  const isKnown = (model: string): boolean => priced.every((models) => models.includes(model));
  const ids = new Set([...told('alone:'), ...priced.flat().filter(Boolean)]);
  return [...ids]
    .map((model) => ({
      model,
      cost_usd: isKnown(model) ? nanoUsdToUsd(counters[`alone:${model}`] ?? 0) : null,
      first_answers: counters[`first:${model}`] ?? 0,
      passed: counters[`passed:${model}`] ?? 0,
    }))
    .toSorted((one, other) => (one.cost_usd ?? Infinity) - (other.cost_usd ?? Infinity) || (one.model < other.model ? -1 : 1));
}

/** The cheapest model that is known to pass as often as the whole does; null where none is. */
function bestSingle(models: Alternative[], goodShare: number): string | null {
  const enough = models.filter(({ first_answers: count }) => count >= FEWEST_FIRST_ANSWERS);
  return enough.find(({ first_answers: count, passed }) => passed / count >= goodShare)?.model ?? null;
}
