import type { Attempt, JobEvent, JobState } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

import { candidatesInTier } from '../choose-model.ts';
import { lastRefusal } from '../live-attempts.ts';
import { mayChoose } from '../who-may-answer.ts';
import { whyDenied } from './caps.ts';
import { attemptOf, detailsOf, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { claim, wasAsked } from './next-attempt.ts';

type HedgeDue = Extract<JobEvent, { type: 'hedge-due' }>;

/**
 * A call takes unusually long: a sibling of its model is asked beside it, where the route wants that and no cap stands against it.
 * It needs no entry of its own: who makes the first call makes this one too, and who finds the first call lost finds both.
 */
export function hedgeDue(draft: Draft, { attempt: number, afterMs }: HedgeDue): void {
  const { job } = draft;
  const slow = attemptOf(job, number);
  if (!mayBeHedged(draft, slow)) return;
  const model = siblingOf(draft, slow);
  if (model === undefined || whyDenied(draft, { model }) !== null) return;
  const hedge = claim(draft, { purpose: 'hedge', tier: slow.tier, model });
  hedge.hedges = number;
  note(
    draft,
    'attempt-claimed',
    `${slow.model} has not answered within ${afterMs} ms, longer than 95 % of its calls`,
    detailsOf(hedge),
  );
}

/** Only an answer of a tier may come from a sibling: not vectors, not of a pinned model, and not what one has refused. */
function mayBeHedged({ job, route }: Draft, attempt: Attempt): boolean {
  if (!route.hedge || attempt.purpose !== 'answer' || attempt.state !== 'sent' || !isAwaited(job, attempt)) return false;
  if (attempt.tier === 'fallback' || !mayChoose(job)) return false;
  return rivalOf(job, attempt) === undefined && lastRefusal(job) === null;
}

/** Of another vendor, where there is one: what makes one model slow makes its siblings at the same vendor slow too. */
function siblingOf({ job, facts }: Draft, { tier, model }: Attempt): string | undefined {
  const left = candidatesInTier(job, tier, facts).filter((id) => id !== model && !wasAsked(job, id));
  return left.find((id) => splitModelId(id).provider !== splitModelId(model).provider) ?? left[0];
}

/** Whether this call carries the job on. One that was overtaken (the job ended, and a late verdict reopened it) is only paid for. */
export function isAwaited({ step }: JobState, { number, hedges }: Attempt): boolean {
  return step?.kind === 'call' && (step.attempt === number || step.attempt === hedges);
}

/** The call that was made beside this one, be it the first or its hedge, whatever became of it. */
export function rivalOf(job: JobState, { number, hedges }: Attempt): Attempt | undefined {
  return job.attempts.find((other) => other.number === hedges || other.hedges === number);
}

/** Whether the other of two calls may still answer. */
export function rivalRuns(job: JobState, attempt: Attempt): boolean {
  const rival = rivalOf(job, attempt);
  return rival?.state === 'claimed' || rival?.state === 'sent';
}
