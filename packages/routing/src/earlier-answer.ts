import type { JobState, RouteConfig, UpshiftConfig } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';

import { finalAttemptOf } from './live-attempts.ts';
import { wantsVectors } from './who-may-answer.ts';

/** An accepted answer to the same request, which another job has got. */
export interface EarlierAnswer {
  model: string;
  tier: string;
  score: number | null;
  /** When that job ended, in ms since the epoch. */
  at: number;
  /** The answer as it is stored. */
  answer: string;
}

/** For how long the result of a job may answer the same request again, in ms; null where it may not. */
export function answersAgainForMs(job: JobState, config: UpshiftConfig): number | null {
  const seconds = config.routes[job.route]?.cached_answers_s;
  if (seconds === undefined || job.status !== 'completed' || job.degraded || job.experiments !== null) return null;
  if (wantsVectors(job.needs)) return null;
  return finalAttemptOf(job)?.outcome === 'answered' ? seconds * 1000 : null;
}

/** Whether the job comes to an end that an earlier answer would better: only then one is looked for. */
export function wantsEarlierAnswer(before: JobState, after: JobState, config: UpshiftConfig): boolean {
  if (config.routes[after.route]?.cached_answers_s === undefined || isTerminal(before.status)) return false;
  return after.status === 'failed' || (after.status === 'completed' && after.degraded);
}

/**
 * What must be equal for two requests to be the same: all of it, its metadata too (so that whoever tells users or tenants apart there
 * never gets another one's answer), and what the route adds.
 *
 * @param request as it is stored
 */
export function sameness(request: string, { system_prompt, prompt_prefix, parameters }: RouteConfig): string {
  return JSON.stringify([request, system_prompt, prompt_prefix, parameters]);
}
