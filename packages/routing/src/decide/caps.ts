import type { Attempt, Needs } from '@upshift/contracts';

import { modelOf } from '../choose-model.ts';
import { committedNanoUsd, estimateCost, nanoUsdToUsd, needsUnder } from '../cost.ts';
import { liveAttempts } from '../live-attempts.ts';
import type { Draft } from './draft.ts';

interface PlannedCall {
  model: string;
  /** Where they are not the job's own. */
  needs?: Needs | undefined;
}

/** What a call may cost at most, in nano-dollars; null where that is not known. */
export function mayCost({ job, route, facts }: Draft, { model, needs }: PlannedCall): number | null {
  return estimateCost(needs ?? needsUnder(route, job.needs), modelOf(facts.config, model), facts.now);
}

/** Which cap stands against a call, in words; null for none. */
export function whyDenied(draft: Draft, call: PlannedCall): string | null {
  const { job, route } = draft;
  const { model } = call;
  if (attemptsLeft(draft) <= 0) return `the route allows ${route.max_attempts} attempts`;
  const cap = job.limits.costNanoUsd;
  if (cap === null) return null;
  const next = mayCost(draft, call);
  if (next === null) return `${model} has no price in force, and the job has a cap`;
  const committed = committedNanoUsd({ attempts: liveAttempts(job) });
  if (committed + next <= cap) return null;
  return `${model} may cost ${nanoUsdToUsd(next)} USD, ${nanoUsdToUsd(committed)} of ${nanoUsdToUsd(cap)} USD are spent or reserved`;
}

/** The first of some models against which no cap stands; the first of all where one stands against each. */
export function withinCaps(draft: Draft, models: string[]): string | undefined {
  return models.find((model) => whyDenied(draft, { model }) === null) ?? models[0];
}

/** How many calls the route still allows the job. */
export function attemptsLeft({ job, route }: Draft): number {
  return route.max_attempts - liveAttempts(job).filter(countsForTheJob).length;
}

/** A call that was never made, that the provider denied, or that a stopping worker gave up, says nothing of the job. */
function countsForTheJob({ errorCode, state, sentAt }: Attempt): boolean {
  if (state === 'settled' && sentAt === null) return false;
  return errorCode !== 'provider_denied' && errorCode !== 'aborted';
}

/** How often the job may be escalated, by its route and by its own limit. */
export function mostEscalations({ job, route }: Draft): number {
  return Math.min(route.max_escalations, job.limits.maxEscalations ?? Infinity);
}
