import type { Attempt, JobState } from '@upshift/contracts';

/** The attempts that count for what happens next: not those of a canary that was taken back. */
export function liveAttempts({ attempts, experiments }: JobState): Attempt[] {
  return experiments ? attempts.slice(experiments.discardedAttempts) : attempts;
}

/** Whether a call was lost by us: its worker died, or was stopped in the midst of it. That says nothing of the model. */
export function wasLost({ errorCode }: Attempt): boolean {
  return errorCode === 'outcome_unknown' || errorCode === 'aborted';
}

/** Whether a call had not answered when the job's deadline cut it, after most of the job's time: that is told of the model, as a timeout is. */
export function hungUntilDeadline(job: JobState, { errorCode, sentAt }: Attempt): boolean {
  const { status, deadline, completedAt, createdAt, reopenedAt } = job;
  if (errorCode !== 'aborted' || sentAt === null || deadline === null || status === 'cancelled') return false;
  const wasCut = completedAt !== null && completedAt >= deadline;
  return wasCut && 2 * (deadline - sentAt) > deadline - (reopenedAt ?? createdAt);
}

/** The last refusal by policy among the calls for an answer, or null. That a judge refuses says nothing of the job. */
export function lastRefusal(job: JobState): Attempt | null {
  return liveAttempts(job).findLast((attempt) => isForAnswer(attempt) && attempt.outcome === 'refused') ?? null;
}

/** Whether an attempt is made to answer the job, and not to help with something else. */
export function isForAnswer({ purpose }: Attempt): boolean {
  return purpose === 'answer' || purpose === 'hedge';
}
