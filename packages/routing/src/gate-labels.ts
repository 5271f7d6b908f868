import type { GateLabel, JobRequest, JobState, UpshiftConfig } from '@upshift/contracts';

import { promptFactsOf } from './classify.ts';
import { seenOf } from './classifier/trained.ts';
import { thresholdOf } from './decide/verdicts.ts';

interface Labelled {
  job: JobState;
  request: JobRequest;
  config: UpshiftConfig;
  /** The number of the attempt whose answer it is. */
  attempt: number;
}

/**
 * The label that the verdict on an answer makes; null where it would teach nothing of routing: of pinned jobs, of vectors, of the fallback, of
 * shadows, and where nothing is judged but by gates that hold for all.
 */
export function gateLabelOf(labelled: Labelled, now: number): GateLabel | null {
  const { job, config, attempt: number } = labelled;
  const attempt = job.attempts[number - 1];
  const teaches = config.routes[job.route]?.strategy === 'cascade' && job.pinnedModel === null && !job.experiments?.shadowOf;
  if (!teaches || attempt === undefined || attempt.tier === 'fallback' || attempt.score === null) return null;
  const threshold = thresholdOf(job, config, attempt);
  const passed = attempt.passed === true && (threshold === 'always' || attempt.score >= threshold);
  return labelOf(labelled, passed, 'gate', now);
}

/** The label that somebody gives who knows better than the gate. */
export function labelOf(
  { job, request, attempt: number }: Omit<Labelled, 'config'>,
  passed: boolean,
  source: GateLabel['source'],
  now: number,
): GateLabel | null {
  const attempt = job.attempts[number - 1];
  if (attempt === undefined || job.needs.capabilities.includes('embedding')) return null;
  const { complexity, signals } = seenOf(promptFactsOf(request));
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
    complexity,
    signals: signals.map((value) => Math.round(value * 1000) / 1000),
  };
}
