import type { JobState, ModelConfig, RouteConfig, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

import { lacks, providerOf } from './capabilities.ts';
import { estimateCost, needsUnder, requiredUnder } from './cost.ts';
import { allWell } from './facts.ts';
import type { Facts } from './facts.ts';
import { whyOff } from './not-now.ts';

/**
 * The models of a tier that may be asked, best first: those that a rule prefers, in its order, then the cheapest.
 * Of two at the same price the draw takes one, so that equal models share the load.
 */
export function candidatesInTier(job: JobState, tier: string, facts: Facts): string[] {
  const preferred = namedModels(job, tier, facts.config) ?? preferredModels(job, facts.config);
  const rank = (id: string): number => (preferred.includes(id) ? preferred.indexOf(id) : preferred.length);
  const ids = Object.entries(facts.config.models).flatMap(([id, model]) =>
    isCandidate(id, model, job, tier, facts) ? [id] : [],
  );
  const needs = needsUnder(facts.config.routes[job.route]!, job.needs);
  const price = (id: string): number => estimateCost(needs, modelOf(facts.config, id), facts.now) ?? Infinity;
  const sorted = ids.toSorted((a, b) => rank(a) - rank(b) || price(a) - price(b));
  const alike = Map.groupBy(sorted, (id) => `${rank(id)} ${price(id)}`);
  return [...alike.values()].flatMap((equal) => rotate(equal, facts.draw));
}

/** The models that the route names for a tier and that the job could be given, best first, be they healthy or not; none where it names none. */
export function namedInTier(job: JobState, tier: string, facts: Facts): string[] {
  if (namedModels(job, tier, facts.config) === undefined) return [];
  return candidatesInTier(job, tier, { ...facts, health: allWell });
}

/** Whether a tier has any model for `candidatesInTier`. */
export function hasCandidate(job: JobState, tier: string, facts: Facts): boolean {
  return Object.entries(facts.config.models).some(([id, model]) => isCandidate(id, model, job, tier, facts));
}

function isCandidate(id: string, model: ModelConfig, job: JobState, tier: string, facts: Facts): boolean {
  return model.tier === tier && isOffered(id, model, job, facts.config) && isUsable(id, job, facts);
}

type OnRoute = Pick<JobState, 'route'>;

/** The models that the job's route names for a tier, in place of all of the tier; undefined where it names none. */
function namedModels({ route }: OnRoute, tier: string, config: UpshiftConfig): string[] | undefined {
  const models = config.routes[route]?.models ?? {};
  return Object.hasOwn(models, tier) ? models[tier] : undefined;
}

/** Whether a model is one of those of its tier that answer on the job's route. */
export function isOffered(id: string, { tier, on_trial: onTrial }: ModelConfig, job: OnRoute, config: UpshiftConfig): boolean {
  return namedModels(job, tier, config)?.includes(id) ?? onTrial !== true;
}

/**
 * The models that may make a route's vectors: the embedding models that it names, where it names any, in place of all others.
 *
 * @param preferred come first of all others
 */
export function embeddersOf({ models: named = {} }: RouteConfig, { models }: UpshiftConfig, preferred: string[] = []): string[] {
  const ofRoute = Object.values(named)
    .flat()
    .filter((id) => models[id]!.capabilities.includes('embedding'));
  return ofRoute.length > 0 ? ofRoute : [...preferred, ...Object.keys(models)].filter((id) => models[id]!.on_trial !== true);
}

/** A job, whose route adds to what is asked, or a question about one, to which no route adds anything. */
type Asked = Pick<JobState, 'needs'> & Partial<Pick<JobState, 'route'>>;

/** Whether a model has what is needed and can be called now. */
export function isUsable(id: string, asked: Asked, facts: Facts): boolean {
  return isEligible(id, asked, facts) && facts.health.circuitsOpen[id] === undefined;
}

/** Whether a model has what is needed and could be called but for its circuit, which is a passing state. */
export function isEligible(id: string, { needs, route }: Asked, { config, health }: Facts): boolean {
  const all = route === undefined ? needs : requiredUnder(config.routes[route]!, needs);
  if (lacks(modelOf(config, id), providerOf(config, id), all).length > 0) return false;
  return whyOff(splitModelId(id).provider, config, health) === null;
}

/** The models that the rule of the job's task prefers, in its order. */
export function preferredModels(job: JobState, config: UpshiftConfig): string[] {
  return job.task === null ? [] : (ruleOf(config, job.task)?.prefer ?? []);
}

export function ruleOf(config: UpshiftConfig, task: string): UpshiftConfig['rules'][string] | undefined {
  return Object.hasOwn(config.rules, task) ? config.rules[task] : undefined;
}

/** A declared model. Asking for another is a bug: ids were validated with the configuration. */
export function modelOf(config: UpshiftConfig, id: string): ModelConfig {
  const model = Object.hasOwn(config.models, id) ? config.models[id] : undefined;
  if (model === undefined) throw new Error(`no model ${id} in the job's configuration`);
  return model;
}

function rotate(ids: string[], draw: number): string[] {
  const start = Math.floor(draw * ids.length);
  return [...ids.slice(start), ...ids.slice(0, start)];
}
