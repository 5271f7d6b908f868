import type { Attempt, JobState } from '@upshift/contracts';

import { isForAnswer, lastRefusal, liveAttempts } from '../live-attempts.ts';
import { end } from './draft.ts';
import type { Draft } from './draft.ts';
import { giveEarlierAnswer } from './earlier-answer.ts';

/** Ends a chain that has no next model: with an earlier answer to the same request, the best answer so far, a refusal, or as failed. */
export function endOfChain(draft: Draft, reason: string): void {
  if (giveEarlierAnswer(draft, reason)) return;
  const best = bestAnswer(draft.job);
  draft.job.reasons.push(reason);
  if (best === null) return endWithoutAnswer(draft, reason);
  draft.job.finalAttempt = best.number;
  draft.job.degraded = true;
  end(draft, 'completed', `best answer so far (attempt ${best.number}): ${reason}`);
}

/** A refusal is no answer, but what there is to say. */
function endWithoutAnswer(draft: Draft, reason: string): void {
  const refusal = lastRefusal(draft.job);
  if (refusal === null) return end(draft, 'failed', reason);
  draft.job.finalAttempt = refusal.number;
  end(draft, 'completed', `${reason}; a refusal is not escalated`);
}

/** The answer with the highest score; one that no scorer has seen yet comes last. A refusal is no answer. */
export function bestAnswer(job: JobState): Attempt | null {
  const answers = liveAttempts(job).filter((attempt) => isForAnswer(attempt) && attempt.outcome === 'answered');
  return answers.reduce<Attempt | null>(
    (best, attempt) => (best === null || (attempt.score ?? -1) > (best.score ?? -1) ? attempt : best),
    null,
  );
}
