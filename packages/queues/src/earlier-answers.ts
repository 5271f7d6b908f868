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

/** Keeps the result of a job that ends, where its route allows it; drops one that a late verdict has failed. */
export async function keepAnswer(pipeline: Pipeline, { job, trail }: Decision, config: UpshiftConfig): Promise<void> {
  const route = config.routes[job.route];
  if (route?.cached_answers_s === undefined) return;
  const failed = trail.find(({ event }) => event === 'job-reopened')?.attempt;
  if (failed !== undefined) return dropAnswer(pipeline, job, failed, config);
  // Not at what is heard of the job later: another one may have got a newer answer since.
  const keptMs = trail.some(({ event }) => event === 'job-completed') ? answersAgainForMs(job, config) : null;
  if (keptMs === null) return;
  const key = await keyOf(pipeline, job, route);
  const answer = await answerText(pipeline, job, job.finalAttempt!);
  if (key === null || answer === null) return;
  const { model, tier, score } = job.attempts[job.finalAttempt! - 1]!;
  const kept: EarlierAnswer = { model, tier, score, at: job.completedAt!, answer };
  await pipeline.redis.set(key, JSON.stringify(kept), 'PX', Math.ceil(keptMs));
}

/** Unless another job has got a newer one since: that has failed nothing. */
async function dropAnswer(pipeline: Pipeline, job: JobState, attempt: number, config: UpshiftConfig): Promise<void> {
  const kept = await findEarlierAnswer(pipeline, job, config);
  if (kept === null || kept.answer !== (await answerText(pipeline, job, attempt))) return;
  const key = await keyOf(pipeline, job, config.routes[job.route]);
  if (key !== null) await pipeline.redis.del(key);
}

function answerText({ redis, keys }: Pipeline, { id }: JobState, attempt: number): Promise<string | null> {
  return redis.hget(keys.job(id), `answer:${attempt}`);
}

async function keyOf({ redis, keys }: Pipeline, { id }: JobState, route: RouteConfig | undefined): Promise<string | null> {
  const request = await redis.hget(keys.job(id), 'request');
  if (request === null || route === undefined) return null;
  return globalKeys.earlierAnswer(createHash('sha256').update(sameness(request, route)).digest('hex'));
}
