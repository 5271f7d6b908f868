import type { JobView, UnifiedResponse } from '@upshift/contracts';
import { viewOf } from '@upshift/routing';

import type { Pipeline } from './pipeline.ts';
import { parseRequest } from './request-text.ts';
import { parseState } from './state-text.ts';

/** A job as the API shows it; null where there is none (any more). */
export async function readView({ redis, keys }: Pipeline, id: string): Promise<JobView | null> {
  const { state, request, ...others } = await redis.hgetall(keys.job(id));
  if (state === undefined || request === undefined) return null;
  const job = parseState(id, state);
  const answer = job.finalAttempt === null ? undefined : others[`answer:${job.finalAttempt}`];
  return viewOf(job, parseRequest(request), answer === undefined ? null : (JSON.parse(answer) as UnifiedResponse));
}
