import type { Attempt, JobEvent, Needs } from '@upshift/contracts';

import { candidatesInTier, isUsable, modelOf } from '../choose-model.ts';
import { judgeCalls, judgeNeeds } from '../judge.ts';
import { liveAttempts, wasLost } from '../live-attempts.ts';
import { sampleCalls } from '../samples.ts';
import { attemptOf, detailsOf, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { ask } from './next-attempt.ts';
import { thresholdOf } from './verdicts.ts';

/** Calls for one opinion: where a judge fails, or says nothing that can be read, another one is asked; where its call is lost by us, it again. */
const MAX_JUDGE_CALLS = 2;

type JudgeRequested = Extract<JobEvent, { type: 'judge-requested' }>;

/** Asks a judge for its opinion of an answer. No command where none can be asked: the scorer then goes on without it. */
export function judgeRequested(draft: Draft, { attempt, check }: JudgeRequested): void {
  const { job, facts } = draft;
  if (!isScored(draft, attempt)) return;
  const calls = judgeCalls(job, attempt, check);
  if (calls.length >= MAX_JUDGE_CALLS) return;
  const needs = judgeNeeds(job, { attempt, check });
  const model = judgeModel(draft, needs, calls);
  if (model === undefined) return;
  const { tier } = modelOf(facts.config, model);
  ask(draft, { purpose: 'judge', tier, model, needs, judges: { attempt, check } }, `judge of attempt ${attempt}`);
}

/** The first of the configured judges that can be called now, was not asked for this opinion and has failed none; undefined where there is none. */
function judgeModel({ job, facts }: Draft, needs: Needs, calls: Attempt[]): string | undefined {
  const judges = liveAttempts(job).filter(({ purpose }) => purpose === 'judge');
  const excluded = [...calls.filter((call) => !wasLost(call)), ...judges.filter(hasFailed)].map(({ model }) => model);
  return facts.config.judge.models.find((id) => !excluded.includes(id) && isUsable(id, { needs }, facts));
}

type SampleRequested = Extract<JobEvent, { type: 'sample-requested' }>;

/** Samples that fail are made up for by so many more calls. */
const SPARE_SAMPLES = 1;

/** Asks a cheap model for one more answer to compare with. No command where it can not change the verdict any more, or no model is left. */
export function sampleRequested(draft: Draft, { attempt: number, check, most, models, between }: SampleRequested): void {
  const { job, facts } = draft;
  if (!isScored(draft, number)) return;
  const attempt = attemptOf(job, number);
  if (between !== null && !canChange(thresholdOf(job, facts.config, attempt), between)) return;
  const calls = sampleCalls(job, number, check);
  const model = calls.length < most + SPARE_SAMPLES ? sampleModel(draft, attempt, models, calls) : undefined;
  if (model === undefined) return;
  const { tier } = modelOf(facts.config, model);
  ask(
    draft,
    { purpose: 'sample', tier, model, judges: { attempt: number, check } },
    `another answer to compare attempt ${number} with`,
  );
}

/** Who gives one more answer to compare an attempt's with: of the models that are named, or of the attempt's tier, the one that was asked least. */
function sampleModel(draft: Draft, attempt: Attempt, named: string[] | null, calls: Attempt[]): string | undefined {
  const { job, facts } = draft;
  const failed = calls.filter(hasFailed).map(({ model }) => model);
  const usable = named
    ? named.filter((id) => isUsable(id, job, facts))
    : candidatesInTier(job, modelOf(facts.config, attempt.model).tier, facts);
  const timesAsked = (id: string): number => [attempt, ...calls].filter(({ model }) => model === id).length;
  return usable.filter((id) => !failed.includes(id)).toSorted((a, b) => timesAsked(a) - timesAsked(b))[0];
}

/** A call that was lost by us says nothing of its model, which may be asked once more. */
function hasFailed(call: Attempt): boolean {
  return call.outcome === 'failed' && !wasLost(call);
}

function canChange(threshold: number | 'always', [lowest, highest]: readonly [number, number]): boolean {
  // Where no score is asked any will do, but gates hold: what fails one is below all scores.
  const least = threshold === 'always' ? 0 : threshold;
  return lowest < least && highest >= least;
}

type AnswerVerified = Extract<JobEvent, { type: 'answer-verified' }>;

/** What a user's verifier said stands in the trail at once: the verdict may have to wait for others. */
export function answerVerified(draft: Draft, { attempt: number, outcome }: AnswerVerified): void {
  if (!isScored(draft, number)) return;
  const details = detailsOf(attemptOf(draft.job, number));
  note(draft, 'answer-verified', outcome.reason, { ...details, score: outcome.score, checks: [outcome] });
}

function isScored({ job }: Draft, attempt: number): boolean {
  return job.step?.kind === 'score' && job.step.attempt === attempt;
}
