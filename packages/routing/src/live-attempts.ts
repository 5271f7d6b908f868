import type { Attempt, JobState, UpshiftConfig } from '@upshift/contracts';

/** The attempts that count for what happens next: not those of a canary that was taken back. */
export function liveAttempts({ attempts, experiments }: JobState): Attempt[] {
  return experiments ? attempts.slice(experiments.discardedAttempts) : attempts;
}

/** The attempt whose answer is the result; null where there is none. */
export function finalAttemptOf({ attempts, finalAttempt }: Pick<JobState, 'attempts' | 'finalAttempt'>): Attempt | null {
  return finalAttempt === null ? null : (attempts[finalAttempt - 1] ?? null);
}

/** Whether a call was lost by us: its worker died, or was stopped in the midst of it. That says nothing of the model. */
export function wasLost({ errorCode }: Attempt): boolean {
  return errorCode === 'outcome_unknown' || errorCode === 'aborted';
}

/** Whether a call had not answered when a deadline cut it, after most of the time until then: that is told of the model, as a timeout is. */
export function hungUntilDeadline(job: JobState, attempt: Attempt, config: UpshiftConfig): boolean {
  const { errorCode, sentAt } = attempt;
  const time = errorCode === 'aborted' && sentAt !== null ? timeUntilCut(job, attempt, config) : null;
  return time !== null && 2 * (time.until - sentAt!) > time.until - time.from;
}

/** The time that a call had until its deadline, be it the job's or that of a classification; null where none has cut it. */
function timeUntilCut(
  { status, deadline, completedAt, createdAt, reopenedAt }: JobState,
  { purpose, claimedAt, settledAt }: Attempt,
  { classifier }: UpshiftConfig,
): { from: number; until: number } | null {
  const classified = claimedAt + classifier.llm.timeout_s * 1000;
  if (purpose === 'classify' && (settledAt ?? 0) >= classified) return { from: claimedAt, until: classified };
  const wasCut = deadline !== null && (completedAt ?? 0) >= deadline && status !== 'cancelled';
  return wasCut ? { from: reopenedAt ?? createdAt, until: deadline } : null;
}

/** The last refusal by policy among the calls for an answer, or null. That a judge refuses says nothing of the job. */
export function lastRefusal(job: JobState): Attempt | null {
  return liveAttempts(job).findLast((attempt) => isForAnswer(attempt) && attempt.outcome === 'refused') ?? null;
}

/** Whether an attempt is made to answer the job, and not to help with something else. */
export function isForAnswer({ purpose }: { purpose?: Attempt['purpose'] | undefined }): boolean {
  return purpose === 'answer' || purpose === 'hedge';
}
