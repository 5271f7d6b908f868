import type { ExperimentEvent, ExperimentOf, ExperimentStatus } from '@upshift/contracts';

import type { ArmTally } from './arm-tally.ts';
import { afterMore, inWords, newGuardrailTest } from './guardrail.ts';
import type { GuardrailTest } from './guardrail.ts';
import { isRejected } from './guardrail-bet.ts';

type Canary = ExperimentOf<'canary'>;

export type CanaryStatus = 'running' | 'paused' | 'promoted' | 'rolled_back' | 'aborted';

/** Plain data, to be stored: what the evaluator knows of a canary. */
export interface CanaryState {
  status: CanaryStatus;
  /** Which of the steps. */
  step: number;
  stepStartedAt: number;
  /** Jobs of the canary arm when the step began. */
  jobsBefore: number;
  tests: GuardrailTest[];
  reason: string;
}

/** What the shell does after the state is written. All are safe to do twice; what an end does to held answers, `fateOfHeld` says. */
export type ExperimentAction =
  /** The canary's answers that were held until now may go out. */
  { type: 'release-held' } | { type: 'announce'; event: ExperimentEvent };

export interface CanaryDecision {
  state: CanaryState;
  actions: ExperimentAction[];
}

export function newCanary(canary: Canary, now: number): CanaryState {
  const tests = canary.guardrails.map(newGuardrailTest);
  return enter({ status: 'running', step: 0, stepStartedAt: now, jobsBefore: 0, tests, reason: '' }, canary, 0, 0, now);
}

/** The part of the units that the canary gets. */
export function canaryShare(canary: Canary, { status, step }: CanaryState): number {
  if (status === 'promoted') return 1;
  return status === 'running' ? canary.steps[step]! / 100 : 0;
}

/**
 * What the metrics so far say: go on, take the next step, or roll back. Bets on all that has come since the last evaluation, so
 * that it may be called as often as one likes; the false alarms of all its guardrails together stay within alpha.
 */
export function evaluate(
  canary: Canary,
  before: CanaryState,
  arms: { stable: ArmTally; canary: ArmTally },
  now: number,
): CanaryDecision {
  if (before.status !== 'running') return { state: before, actions: [] };
  const tests = before.tests.map((test, index) =>
    afterMore(test, canary.guardrails[index]!, arms.stable.guardrails[index], arms.canary.guardrails[index]),
  );
  const state = { ...before, tests };
  const alpha = canary.alpha / canary.guardrails.length;
  const broken = canary.guardrails.findIndex((_, index) => isRejected(tests[index]!.harm, alpha));
  if (broken !== -1) return rolledBack(state, inWords(canary.guardrails[broken]!, tests[broken]!));
  const missing = whatIsMissing(canary, state, arms.canary.jobs, now);
  if (missing.length > 0)
    return { state: { ...state, reason: `${stepName(canary, state)}: ${missing.join(', ')}` }, actions: [] };
  return passed(canary, state, arms.canary.jobs, now);
}

/** What a person may ask of an experiment, and in which of its states. */
const allowedIn = {
  pause: ['running'],
  resume: ['paused'],
  promote: ['running', 'paused'],
  abort: ['running', 'paused', 'promoted'],
} satisfies Record<string, ExperimentStatus[]>;

export type Command = keyof typeof allowedIn;

/** Throws in words where the state of an experiment does not allow what is asked of it. */
export function refuseWhereNotAllowed(name: Command, status: ExperimentStatus): void {
  const allowed: ExperimentStatus[] = allowedIn[name];
  if (!allowed.includes(status)) throw new Error(`it is ${status}; to ${name} it must be ${allowed.join(' or ')}`);
}

/** What a person has done to an experiment of any kind. */
export const byHand = {
  pause: { status: 'paused', reason: 'paused by hand', event: 'experiment.paused' },
  resume: { status: 'running', reason: 'resumed by hand', event: 'experiment.resumed' },
  abort: { status: 'aborted', reason: 'aborted by hand', event: 'experiment.aborted' },
} as const;

/** What a person asks of a canary; throws in words where its state does not allow it. */
export function command(canary: Canary, state: CanaryState, name: Command, now: number): CanaryDecision {
  refuseWhereNotAllowed(name, state.status);
  if (name === 'promote') return promoted({ ...state, step: canary.steps.length - 1 }, 'promoted by hand');
  const { event, ...changes } = byHand[name];
  const stepStartedAt = name === 'resume' ? now : state.stepStartedAt;
  return { state: { ...state, ...changes, stepStartedAt }, actions: [announce(event)] };
}

function whatIsMissing(canary: Canary, state: CanaryState, jobs: number, now: number): string[] {
  const samples = jobs - state.jobsBefore;
  const seconds = (now - state.stepStartedAt) / 1000;
  const unproven = canary.guardrails.filter((_, index) => {
    const { proof } = state.tests[index]!;
    return proof !== null && !isRejected(proof, canary.alpha);
  });
  // Of a cost that is never known, or a schema that no job has, a guardrail would see nothing and let everything pass.
  const untold = canary.guardrails.flatMap(({ metric }, index) => {
    const told = state.tests[index]!.canary.count;
    return told < Math.min(jobs, canary.min_samples) ? [`${told} of ${canary.min_samples} jobs tell of ${metric}`] : [];
  });
  const waiting = Math.max(...state.tests.map(({ harm }) => harm.armWaiting.count));
  return [
    ...(samples < canary.min_samples ? [`${samples} of ${canary.min_samples} jobs judged`] : []),
    ...(seconds < canary.min_seconds ? [`${Math.floor(seconds)} of ${canary.min_seconds} s passed`] : []),
    ...untold,
    // Outcomes that no bet was made on yet prove nothing: they wait for some of the stable arm.
    ...(waiting > 0 ? [`${waiting} jobs wait to be compared with stable ones`] : []),
    ...unproven.map(({ metric }) => `${metric} not yet proven to keep its guardrail`),
  ];
}

function passed(canary: Canary, state: CanaryState, jobs: number, now: number): CanaryDecision {
  const next = state.step + 1;
  // At 100 % nothing is left to compare with: the last step is the promotion.
  if (next === canary.steps.length - 1) return promoted({ ...state, step: next }, `${stepName(canary, state)} passed`);
  return {
    state: enter(state, canary, next, jobs, now),
    actions: [{ type: 'release-held' }, announce('experiment.step_passed')],
  };
}

function enter(state: CanaryState, canary: Canary, step: number, jobs: number, now: number): CanaryState {
  const entered = { ...state, step, stepStartedAt: now, jobsBefore: jobs };
  return { ...entered, reason: `${stepName(canary, entered)} begins` };
}

function promoted(state: CanaryState, why: string): CanaryDecision {
  return {
    state: { ...state, status: 'promoted', reason: `${why}: all jobs go to the canary` },
    actions: [{ type: 'release-held' }, announce('experiment.promoted')],
  };
}

function rolledBack(state: CanaryState, why: string): CanaryDecision {
  return {
    state: { ...state, status: 'rolled_back', reason: `${why}: all jobs go to the stable arm` },
    actions: [announce('experiment.rolled_back')],
  };
}

function announce(event: ExperimentEvent): ExperimentAction {
  return { type: 'announce', event };
}

function stepName(canary: Canary, { step }: CanaryState): string {
  return `step ${step + 1} of ${canary.steps.length} (${canary.steps[step]} %)`;
}
