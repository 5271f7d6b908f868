import { enqueue, finish, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { bestAnswer, endOfChain } from './end-of-chain.ts';

/** No further attempt starts; calls in flight are aborted and their cost still counts. */
export function cancelled(draft: Draft): void {
  draft.commands.push({ type: 'abort' });
  finish(draft, 'cancelled', 'cancelled by the client');
}

/** An answer in hand is better than none: it is given, marked degraded. */
export function deadlinePassed(draft: Draft): void {
  const { job, facts } = draft;
  if (job.deadline === null || facts.now < job.deadline) return;
  draft.commands.push({ type: 'abort' });
  // What a canary has answered is not proven: it is better to give nothing.
  const best = job.experiments?.holdFor ? null : bestAnswer(job);
  job.reasons.push('the deadline passed');
  if (best === null) return finish(draft, 'expired', 'the deadline passed before any answer');
  job.finalAttempt = best.number;
  job.degraded = true;
  finish(draft, 'completed', `the deadline passed; best answer so far (attempt ${best.number})`);
}

/** The queue lost the entry of the job's step: it is made anew under the next epoch. */
export function stepLost(draft: Draft, reason: string): void {
  const { step } = draft.job;
  if (step === null) return;
  note(draft, 'job-requeued', reason);
  enqueue(draft, step);
}

/** The step crashed its worker again and again: the job is taken out before it harms others. */
export function stepCrashed(draft: Draft, reason: string): void {
  endOfChain(draft, `quarantined: ${reason}`);
}
