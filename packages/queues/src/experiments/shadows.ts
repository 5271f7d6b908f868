import { DELIVERED, ProblemError } from '@upshift/contracts';
import type { ExperimentOf, JobExperiments } from '@upshift/contracts';
import { applyArm, comparisonConfig, comparisonRequest, readPreference, shadowRequest } from '@upshift/routing';
import type { Outcome } from '@upshift/routing';

import { acceptShadow, readAnswer, readJob, readRequest } from '../job-store.ts';
import { shadowIndex } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';
import { versionOf } from './arms.ts';

type Shadow = ExperimentOf<'shadow'>;
export type Preference = 'candidate' | 'delivered' | 'same';

/**
 * Answers of a candidate that are under way at once, and as many comparisons: half of what a worker calls of a model at a time, so
 * that a real job does not wait for a shadow to end.
 */
const UNDER_WAY = 4;

/** The arm under which the jobs of judges are told of. */
const JUDGE = 'judge';

/** What is to be done about an outcome of a shadow: answer the job once more, compare the two answers, or read the comparison. */
export async function followOutcome(pipeline: Pipeline, document: Shadow, outcome: Outcome): Promise<Preference | null> {
  const arm = armOf(document, outcome);
  try {
    if (arm === DELIVERED) await answerOnceMore(pipeline, document, outcome.job);
    else if (arm === JUDGE) return await preferenceOf(pipeline, outcome);
    else if (document.judge) await compare(pipeline, document, outcome, document.judge.rubric);
  } catch (error) {
    // The candidate can not do this job, or nobody can judge it: there is no comparison then.
    if (!(error instanceof ProblemError)) throw error;
    pipeline.logger.warn({ experiment: document.name, job: outcome.job, reason: error.message }, 'shadow not run');
  }
  return null;
}

/** The outcomes, of those that wait, of which something may be started or read now: the first ones, in their order. */
export async function followable({ redis, keys }: Pipeline, document: Shadow, waiting: Outcome[]): Promise<Outcome[]> {
  const underWay = (arm: string): Promise<number> => redis.zcard(keys.index(shadowIndex(document.name, arm)));
  const [answers, comparisons] = await Promise.all([underWay(document.arms[0]!.name), underWay(JUDGE)]);
  const free = new Map([
    [DELIVERED, UNDER_WAY - answers],
    [document.arms[0]!.name, UNDER_WAY - comparisons],
    [JUDGE, Infinity],
  ]);
  return waiting.filter((outcome) => {
    const arm = armOf(document, outcome) ?? JUDGE;
    const left = free.get(arm) ?? 0;
    free.set(arm, left - 1);
    return left > 0;
  });
}

function armOf({ name }: Shadow, { arms }: Outcome): string | undefined {
  return arms.find(({ experiment }) => experiment === name)?.arm;
}

/** What of an outcome costs the experiment's own money. */
export function isOwnCost(document: Shadow, outcome: Outcome): boolean {
  return ![undefined, DELIVERED].includes(armOf(document, outcome));
}

async function answerOnceMore(pipeline: Pipeline, document: Shadow, job: string): Promise<void> {
  const request = await readRequest(pipeline, job);
  if (request === null) return;
  const [arm] = document.arms;
  const config = applyArm(pipeline.config, document.route, arm!.overrides);
  const configVersion = await versionOf(pipeline, config);
  await acceptShadow(
    pipeline,
    shadowRequest(document.name, request, job),
    partOf(pipeline, document, arm!.name, job),
    { config, configVersion },
    `${document.name}.answer.${job}`,
  );
}

async function compare(pipeline: Pipeline, document: Shadow, { job, shadowOf }: Outcome, rubric: string): Promise<void> {
  const [judge] = pipeline.config.judge.models;
  if (shadowOf === null || judge === undefined) return;
  const [request, delivered, candidate] = await Promise.all([
    readRequest(pipeline, shadowOf),
    resultText(pipeline, shadowOf),
    resultText(pipeline, job),
  ]);
  if (request === null || delivered === null || candidate === null) return;
  const comparison = comparisonRequest(document.name, { rubric, request, delivered, candidate }, job, judge);
  const config = comparisonConfig(pipeline.config, document.route);
  const configVersion = await versionOf(pipeline, config);
  const key = `${document.name}.judge.${job}`;
  await acceptShadow(pipeline, comparison, partOf(pipeline, document, JUDGE, job), { config, configVersion }, key);
}

async function preferenceOf(pipeline: Pipeline, { job, shadowOf }: Outcome): Promise<Preference | null> {
  const text = await resultText(pipeline, job);
  return text === null || shadowOf === null ? null : readPreference(text, shadowOf);
}

function partOf(pipeline: Pipeline, document: Shadow, arm: string, shadowOf: string): JobExperiments {
  const arms = [{ experiment: document.name, arm, probability: document.share }];
  return { arms, baseConfigVersion: pipeline.configVersion, holdFor: null, held: null, discardedAttempts: 0, shadowOf };
}

async function resultText(pipeline: Pipeline, job: string): Promise<string | null> {
  const attempt = (await readJob(pipeline, job))?.state.finalAttempt ?? null;
  return attempt === null ? null : ((await readAnswer(pipeline, job, attempt))?.text ?? null);
}
