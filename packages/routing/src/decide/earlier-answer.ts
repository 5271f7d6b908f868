import type { Attempt, JobState } from '@upshift/contracts';

import { lastRefusal } from '../live-attempts.ts';
import { wantsVectors } from '../who-may-answer.ts';
import { detailsOf, end, newAttempt, note } from './draft.ts';
import type { Draft } from './draft.ts';

/** Gives an earlier answer to the same request, where there is one and the route allows it. False where it does not. */
export function giveEarlierAnswer(draft: Draft, reason: string): boolean {
  const { job, route, facts } = draft;
  const { earlierAnswer: earlier, now } = facts;
  const { cached_answers_s: oldestS } = route;
  if (!earlier || oldestS === undefined || now - earlier.at > oldestS * 1000 || !mayBeGiven(job)) return false;
  const { model, tier, score, answer } = earlier;
  const attempt = newAttempt(draft, { purpose: 'answer', model, tier });
  Object.assign(attempt, {
    state: 'settled',
    outcome: 'answered',
    costNanoUsd: 0,
    settledAt: now,
    score,
    passed: true,
  } satisfies Partial<Attempt>);
  job.attempts.push(attempt);
  job.reasons.push(reason);
  job.finalAttempt = attempt.number;
  job.degraded = true;
  const given = `an answer to the same request of ${new Date(earlier.at).toISOString()} is given`;
  note(draft, 'answer-reused', given, { ...detailsOf(attempt), ...(score !== null && { score }) });
  draft.commands.push({ type: 'store-answer', attempt: attempt.number, answer });
  end(draft, 'completed', `${given}: ${reason}`);
  return true;
}

/** Not vectors, which must be of one model; not after a refusal, which is an answer too; nor in an experiment, of whose arm it says nothing; nor again after a late verdict. */
function mayBeGiven(job: JobState): boolean {
  if (wantsVectors(job.needs)) return false;
  const wasGiven = job.attempts.some(({ outcome, sentAt }) => outcome === 'answered' && sentAt === null);
  return job.experiments === null && lastRefusal(job) === null && !wasGiven;
}
