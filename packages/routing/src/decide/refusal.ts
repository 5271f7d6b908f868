import type { Attempt, JobState } from '@upshift/contracts';

import { isUsable, modelOf } from '../choose-model.ts';
import { liveAttempts } from '../live-attempts.ts';
import { end } from './draft.ts';
import type { Draft } from './draft.ts';
import { ask, bestAnswer, endOfChain } from './next-attempt.ts';

/** Whether a model has refused this job by policy: from then on only the models that the route names for it may be asked. */
export function wasRefused(job: JobState): boolean {
  return answersOf(job).some(({ outcome }) => outcome === 'refused');
}

/** The answer to a refusal is not a dearer model: a compatible one where the route names it, else what there is. */
export function afterRefusal(draft: Draft, reason: string): void {
  const { job, route, facts } = draft;
  const tried = answersOf(job).map(({ model }) => model);
  const compatible = route.on_refusal.find((id) => !tried.includes(id) && isUsable(id, modelOf(facts.config, id), job, facts));
  if (compatible !== undefined && job.pinnedModel === null) {
    const { tier } = modelOf(facts.config, compatible);
    return ask(draft, { purpose: 'answer', tier, model: compatible }, `${reason}; the route names ${compatible}`);
  }
  if (bestAnswer(job) !== null) return endOfChain(draft, reason);
  job.finalAttempt = answersOf(job).findLast(({ outcome }) => outcome === 'refused')?.number ?? null;
  job.reasons.push(reason);
  end(draft, 'completed', `${reason}; a refusal is not escalated`);
}

/** The calls for an answer. That a judge refuses says nothing of the job. */
function answersOf(job: JobState): Attempt[] {
  return liveAttempts(job).filter(({ purpose }) => purpose === 'answer');
}
