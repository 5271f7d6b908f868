import type { Attempt, JobState } from '@upshift/contracts';

/** The attempts that count for what happens next: not those of a canary that was taken back. */
export function liveAttempts({ attempts, experiments }: JobState): Attempt[] {
  return experiments ? attempts.slice(experiments.discardedAttempts) : attempts;
}
