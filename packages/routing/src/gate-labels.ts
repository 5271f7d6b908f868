import type { GateLabel, JobRequest, JobState, UpshiftConfig } from '@upshift/contracts';

import { promptFactsOf } from './classify.ts';
import { seenOf } from './classifier/trained.ts';
import { thresholdOf } from './decide/verdicts.ts';
import { wantsVectors } from './who-may-answer.ts';

/** A label without what the classifier saw of the prompt, which stands in the job's record. */
export type UnseenLabel = Omit<GateLabel, 'complexity' | 'signals'>;

/** Whether verdicts on the answers of a job make labels: those on pinned jobs and shadows teach nothing of routing, and a configuration may keep none. */
export function makesLabels(job: JobState, { learning, routes }: UpshiftConfig): boolean {
  if (learning.labels_kept === 0 || job.pinnedModel !== null || job.experiments?.shadowOf) return false;
  return routes[job.route]?.strategy === 'cascade';
}

/**
 * The label that the verdict on an answer makes; null where the job makes none, and where it would teach nothing of routing: of vectors, of the
 * fallback, and where nothing is judged but by gates that hold for all.
 *
 * @param number of the attempt whose answer it is
 */
export function gateLabelOf(job: JobState, config: UpshiftConfig, number: number, now: number): UnseenLabel | null {
  const attempt = job.attempts[number - 1];
  if (!makesLabels(job, config) || attempt === undefined || attempt.tier === 'fallback' || attempt.score === null) return null;
  const threshold = thresholdOf(job, config, attempt);
  const passed = attempt.passed === true && (threshold === 'always' || attempt.score >= threshold);
  return unseenLabelOf(job, number, passed, 'gate', now);
}

/** The label that somebody gives who knows better than the gate. */
export function labelOf(
  { job, request, attempt }: { job: JobState; request: JobRequest; attempt: number },
  passed: boolean,
  source: GateLabel['source'],
  now: number,
): GateLabel | null {
  const unseen = unseenLabelOf(job, attempt, passed, source, now);
  return unseen && { ...unseen, ...seenOf(promptFactsOf(request)) };
}

function unseenLabelOf(
  job: JobState,
  number: number,
  passed: boolean,
  source: GateLabel['source'],
  now: number,
): UnseenLabel | null {
  const attempt = job.attempts[number - 1];
  if (attempt === undefined || wantsVectors(job.needs)) return null;
  return {
    at: new Date(now).toISOString(),
    job: job.id,
    route: job.route,
    task: job.task,
    tier: attempt.tier,
    model: attempt.model,
    passed,
    source,
    propensity: job.classification?.propensity ?? 1,
  };
}
