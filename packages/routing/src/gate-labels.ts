import type { GateLabel, JobRequest, JobState, UpshiftConfig } from '@upshift/contracts';

import { promptFactsOf } from './classify.ts';
import { seenOf } from './classifier/trained.ts';
import { thresholdOf } from './decide/verdicts.ts';

/** A label without what the classifier saw of the prompt, which stands in the job's record. */
export type UnseenLabel = Omit<GateLabel, 'complexity' | 'signals'>;

/**
 * The label that the verdict on an answer makes; null where it would teach nothing of routing: of pinned jobs, of vectors, of the fallback, of
 * shadows, where nothing is judged but by gates that hold for all, and where the job's configuration keeps no labels.
 *
 * @param number of the attempt whose answer it is
 */
export function gateLabelOf(job: JobState, config: UpshiftConfig, number: number, now: number): UnseenLabel | null {
  const attempt = job.attempts[number - 1];
  const teaches = config.routes[job.route]?.strategy === 'cascade' && job.pinnedModel === null && !job.experiments?.shadowOf;
  if (config.learning.labels_kept === 0 || !teaches || attempt === undefined) return null;
  if (attempt.tier === 'fallback' || attempt.score === null) return null;
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
  if (attempt === undefined || job.needs.capabilities.includes('embedding')) return null;
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
