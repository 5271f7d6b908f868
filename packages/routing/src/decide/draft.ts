import type { Attempt, JobState, RouteConfig, Step, TrailEntry, TrailEvent } from '@upshift/contracts';

import { costOfJob, nanoUsdToUsd } from '../cost.ts';
import type { Facts } from '../facts.ts';
import { finalAttemptOf } from '../live-attempts.ts';

/** What the shell must do after the new state is written. */
export type Command =
  /** Put the job's next step on its queue, `delayMs` from now. */
  | { type: 'enqueue'; step: Step; delayMs: number }
  /** Stop the calls of this job that are in flight. */
  | { type: 'abort' }
  /** Store what another job was answered as the answer of an attempt of this one. */
  | { type: 'store-answer'; attempt: number; answer: string }
  /** Tell those who wait that the job has ended. */
  | { type: 'deliver' };

export interface Decision {
  job: JobState;
  trail: TrailEntry[];
  commands: Command[];
}

/** A decision in the making: a copy of the job, changed step by step by the functions of this folder. */
export interface Draft extends Decision {
  facts: Facts;
  route: RouteConfig;
}

export function draftOf(job: JobState, facts: Facts): Draft {
  const route = facts.config.routes[job.route];
  if (route === undefined) throw new Error(`no route ${job.route} in configuration ${job.configVersion}`);
  return { job: copyOf(job), trail: [], commands: [], facts, route };
}

/** What decisions change in place is copied; everything else they replace. */
function copyOf(job: JobState): JobState {
  return { ...job, reasons: [...job.reasons], attempts: job.attempts.map((attempt) => ({ ...attempt })) };
}

/** Adds a line to the trail. */
export function note(
  draft: Pick<Draft, 'job' | 'trail'> & { facts: Pick<Facts, 'now'> },
  event: TrailEvent,
  reason: string,
  details: Partial<TrailEntry> = {},
): void {
  draft.trail.push({ at: new Date(draft.facts.now).toISOString(), event, revision: draft.job.revision, ...details, reason });
}

/** What the trail says of an attempt in every line about it. */
export function detailsOf({ number, purpose, tier, model, lane }: Attempt): Partial<TrailEntry> {
  return { attempt: number, purpose, tier, model, lane };
}

/** Names the one step that carries the job on, and asks for its queue entry. */
export function enqueue(draft: Draft, step: Step, delayMs = 0): void {
  draft.job.step = step;
  draft.job.epoch += 1;
  draft.commands.push({ type: 'enqueue', step, delayMs });
}

/** The next line of the ledger, as it stands when its number is taken. */
export function newAttempt(
  { job, facts }: Draft,
  { purpose, tier, model }: Pick<Attempt, 'purpose' | 'tier' | 'model'>,
): Attempt {
  return {
    number: job.attempts.length + 1,
    purpose,
    tier,
    model,
    lane: 'live',
    state: 'claimed',
    outcome: null,
    errorCode: null,
    usage: null,
    costNanoUsd: null,
    reservedNanoUsd: 0,
    score: null,
    passed: null,
    judges: null,
    waits: 0,
    claimedAt: facts.now,
    sentAt: null,
    settledAt: null,
    schemaFailed: null,
  };
}

/** The attempt of a number. Asking for one that the ledger does not have is a bug in a shell. */
export function attemptOf(job: JobState, number: number): Attempt {
  const attempt = job.attempts[number - 1];
  if (attempt === undefined) throw new Error(`job ${job.id} has no attempt ${number}`);
  return attempt;
}

/** Ends the job, once; or holds its end back, where a canary waits to be proven. */
export function end(draft: Draft, status: 'completed' | 'failed', reason: string): void {
  if (draft.job.experiments?.holdFor) return hold(draft, status, reason);
  finish(draft, status, reason);
}

/** The job keeps its place, and its answer is shown to nobody. */
function hold({ job, ...draft }: Draft, status: 'completed' | 'failed', reason: string): void {
  const { finalAttempt, degraded, experiments } = job;
  job.experiments = { ...experiments!, held: { status, finalAttempt, degraded, reason, at: draft.facts.now } };
  Object.assign(job, { finalAttempt: null, degraded: false, step: null });
  note({ job, ...draft }, 'job-held', `${reason}; held until ${experiments!.holdFor} has passed its step`);
}

/** Ends the job whatever holds it. */
export function finish(draft: Draft, status: 'completed' | 'failed' | 'cancelled' | 'expired', reason: string): void {
  const { job } = draft;
  if (job.experiments?.held) job.experiments = { ...job.experiments, held: null };
  job.status = status;
  job.completedAt = draft.facts.now;
  job.step = null;
  const { nanoUsd, unknown } = costOfJob(job);
  const final = finalAttemptOf(job);
  const given = final && { attempt: final.number, model: final.model };
  note(draft, `job-${status}`, reason, { ...given, cost_usd: unknown ? null : nanoUsdToUsd(nanoUsd) });
  draft.commands.push({ type: 'deliver' });
}
