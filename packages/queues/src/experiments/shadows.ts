import { DELIVERED, JUDGE, ProblemError, promptOf } from '@upshift/contracts';
import type { ExperimentOf, JobExperiments } from '@upshift/contracts';
import { applyArm, comeToTheSame, comparisonConfig, comparisonRequest, readPreference, shadowRequest } from '@upshift/routing';
import type { Outcome } from '@upshift/routing';

import { acceptShadow } from '../accept.ts';
import type { Cells } from '../cells/cells.ts';
import { readAnswer, readJob, readRequest } from '../job-store.ts';
import { baseConfigOf, versionOf } from './arms.ts';
import { keepAudit } from './audits.ts';
import { countUnderWay } from './counts.ts';
import type { ToFollow } from './record.ts';

type Shadow = ExperimentOf<'shadow'>;
export type Preference = 'candidate' | 'delivered' | 'same';
/** What came of following an outcome: the candidate was asked, a judge has said whom it prefers, or nothing that counts. */
type Followed = Preference | 'asked' | null;

/**
 * Answers of a candidate that are under way at once, and as many comparisons: half of what a worker calls of a model at a time, so
 * that a real job does not wait for a shadow to end.
 */
const UNDER_WAY = 4;

/** What is to be done about an outcome of a shadow: answer the job once more, compare the two answers, or read the comparison. */
export async function followOutcome(cells: Cells, document: Shadow, outcome: Outcome): Promise<Followed> {
  const arm = armOf(document, outcome);
  try {
    if (arm === DELIVERED) return await answerOnceMore(cells, document, outcome);
    else if (arm === JUDGE) return await preferenceOf(cells, outcome);
    else if (document.judge) await compare(cells, document, outcome, document.judge.rubric);
    else await compareResults(cells, outcome);
  } catch (error) {
    // The candidate can not do this job, or nobody can judge it: there is no comparison then.
    if (!(error instanceof ProblemError)) throw error;
    cells.logger.warn({ experiment: document.name, job: outcome.job, reason: error.message }, 'shadow not run');
  }
  return null;
}

/** The outcomes, of those that wait, of which something may be started or read now: the first ones, in their order. */
export async function followable(cells: Cells, document: Shadow, waiting: ToFollow[]): Promise<ToFollow[]> {
  const { name, arms } = document;
  const candidate = arms[0]!.name;
  const [answers, comparisons] = await Promise.all([countUnderWay(cells, name, candidate), countUnderWay(cells, name, JUDGE)]);
  const free = new Map([
    [DELIVERED, UNDER_WAY - answers],
    [candidate, UNDER_WAY - comparisons],
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

async function answerOnceMore(cells: Cells, document: Shadow, { job, arms }: Outcome): Promise<Followed> {
  const request = await readRequest(cells.of(job), job);
  if (request === null) return null;
  const [arm] = document.arms;
  const config = applyArm(await baseConfigOf(cells, arms), document.route, arm!.overrides);
  const configVersion = await versionOf(cells, config);
  await acceptShadow(
    cells,
    shadowRequest(document.name, request, job),
    partOf(cells, document, arm!.name, job),
    { config, configVersion },
    `${document.name}.answer.${job}`,
  );
  return 'asked';
}

async function compare(cells: Cells, document: Shadow, { job, shadowOf }: Outcome, rubric: string): Promise<void> {
  const [judge] = cells.config.judge.models;
  // Where the route is gone, its jobs are compared under nothing.
  if (judge === undefined || !Object.hasOwn(cells.config.routes, document.route)) return;
  const pair = await readPair(cells, job, shadowOf);
  if (pair === null) return;
  const comparison = comparisonRequest(document.name, { rubric, ...pair }, job, judge);
  const config = comparisonConfig(cells.config, document.route);
  const configVersion = await versionOf(cells, config);
  const key = `${document.name}.judge.${job}`;
  await acceptShadow(cells, comparison, partOf(cells, document, JUDGE, job), { config, configVersion }, key);
}

/** Without a judge, by what the two answers come to, where that can be told. */
async function compareResults(cells: Cells, { job, shadowOf }: Outcome): Promise<void> {
  const pair = await readPair(cells, job, shadowOf);
  const same = pair && comeToTheSame(promptOf(pair.request.input), pair.delivered, pair.candidate);
  if (same !== null) await keepAudit(cells, job, same);
}

/** What was delivered, and what the candidate has answered to the same request; null where one of them is gone, or is no answer. */
async function readPair(cells: Cells, job: string, shadowOf: string | null) {
  if (shadowOf === null) return null;
  const [request, delivered, candidate] = await Promise.all([
    readRequest(cells.of(shadowOf), shadowOf),
    resultText(cells, shadowOf),
    resultText(cells, job),
  ]);
  return request === null || delivered === null || candidate === null ? null : { request, delivered, candidate };
}

async function preferenceOf(cells: Cells, { job, shadowOf }: Outcome): Promise<Preference | null> {
  const text = await resultText(cells, job);
  const preference = text === null || shadowOf === null ? null : readPreference(text, shadowOf);
  if (preference !== null) await keepAudit(cells, shadowOf!, preference !== 'candidate');
  return preference;
}

function partOf(cells: Cells, document: Shadow, arm: string, shadowOf: string): JobExperiments {
  const arms = [{ experiment: document.name, arm, probability: document.share }];
  return { arms, baseConfigVersion: cells.configVersion, holdFor: null, held: null, discardedAttempts: 0, shadowOf };
}

async function resultText(cells: Cells, job: string): Promise<string | null> {
  const cell = cells.of(job);
  const attempt = (await readJob(cell, job))?.state.finalAttempt ?? null;
  return attempt === null ? null : ((await readAnswer(cell, job, attempt))?.text ?? null);
}
