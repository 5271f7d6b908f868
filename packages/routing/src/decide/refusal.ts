import type { JobState } from '@upshift/contracts';

import { isUsable, modelOf } from '../choose-model.ts';
import { isForAnswer, lastRefusal, liveAttempts } from '../live-attempts.ts';
import { withinCaps } from './caps.ts';
import type { Draft } from './draft.ts';
import { endOfChain } from './end-of-chain.ts';
import { ask } from './next-attempt.ts';

/** Whether a model has refused this job by policy: from then on only the models that the route names for it may be asked. */
export function wasRefused(job: JobState): boolean {
  return lastRefusal(job) !== null;
}

/** The answer to a refusal is not a dearer model: a compatible one where the route names it, else what there is. */
export function afterRefusal(draft: Draft, reason: string): void {
  const { job, route, facts } = draft;
  const tried = liveAttempts(job)
    .filter(isForAnswer)
    .map(({ model }) => model);
  const left = route.on_refusal.filter((id) => !tried.includes(id) && isUsable(id, job, facts));
  const compatible = withinCaps(draft, left);
  if (compatible !== undefined && job.pinnedModel === null) {
    const { tier } = modelOf(facts.config, compatible);
    return ask(draft, { purpose: 'answer', tier, model: compatible }, `${reason}; the route names ${compatible}`);
  }
  endOfChain(draft, reason);
}
