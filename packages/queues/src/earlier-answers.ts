import { createHash } from 'node:crypto';

import type { JobState, RouteConfig, UpshiftConfig } from '@upshift/contracts';
import { answersAgainForMs, sameness } from '@upshift/routing';
import type { Decision, EarlierAnswer } from '@upshift/routing';

import { globalKeys } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** The latest accepted answer to the request of a job; null where none is kept. */
export async function findEarlierAnswer(pipeline: Pipeline, job: JobState, config: UpshiftConfig): Promise<EarlierAnswer | null> {
  const key = await keyOf(pipeline, job, config.routes[job.route]);
  const found = key === null ? null : await pipeline.redis.get(key);
  return found === null ? null : (JSON.parse(found) as EarlierAnswer);
}

/** Keeps the result of a job that ends, where its route allows it; drops that of one which a late verdict has failed. */
export async function keepAnswer(pipeline: Pipeline, { job, trail }: Decision, config: UpshiftConfig): Promise<void> {
  const route = config.routes[job.route];
  if (route?.cached_answers_s === undefined) return;
  const events = trail.map(({ event }) => event);
  const isReopened = events.includes('job-reopened');
  // Not at what is heard of the job later: another one may have got a newer answer since.
  const keptMs = !isReopened && events.includes('job-completed') ? answersAgainForMs(job, config) : null;
  if (!isReopened && keptMs === null) return;
  const key = await keyOf(pipeline, job, route);
  if (key === null) return;
  if (keptMs === null) return void (await pipeline.redis.del(key));
  const answer = await pipeline.redis.hget(pipeline.keys.job(job.id), `answer:${job.finalAttempt}`);
  const { model, tier, score } = job.attempts[job.finalAttempt! - 1]!;
  if (answer === null) return;
  const kept: EarlierAnswer = { model, tier, score, at: job.completedAt!, answer };
  await pipeline.redis.set(key, JSON.stringify(kept), 'PX', Math.ceil(keptMs));
}

async function keyOf({ redis, keys }: Pipeline, { id }: JobState, route: RouteConfig | undefined): Promise<string | null> {
  const request = await redis.hget(keys.job(id), 'request');
  if (request === null || route === undefined) return null;
  return globalKeys.earlierAnswer(createHash('sha256').update(sameness(request, route)).digest('hex'));
}
