import type { Assignment, Experiment, JobState } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';

import type { Decision } from '../decide/draft.ts';
import {
  addLateFailure,
  addObservation,
  comparesLateFailures,
  emptyArmTally,
  guardrailsOf,
  latencyQuantile,
} from './arm-tally.ts';
import type { ArmTally } from './arm-tally.ts';
import { observationOf, observedWithin, unansweredObservation } from './observation.ts';
import type { Observation } from './observation.ts';

/** What the evaluator is told of a job of an experiment. */
export interface Outcome {
  job: string;
  arms: Assignment[];
  /** Of a job that only the experiment asked for: the one that it follows. */
  shadowOf: string | null;
  /** Null where only a late verdict has failed the job. */
  observation: Observation | null;
}

export type Tallies = Record<string, ArmTally>;

/**
 * What a decision tells of a job of an experiment, once: at its end, when its end is held, or when it is taken from a canary that has
 * not answered; and once more when a late verdict first fails it. Null where it tells nothing.
 */
export function outcomeOf(before: JobState | null, { job }: Decision, now: number): Outcome | null {
  const part = before?.experiments ?? job.experiments;
  if (!part || part.arms.length === 0) return null;
  const outcome = { job: job.id, arms: part.arms, shadowOf: part.shadowOf };
  if (before !== null && job.revision === 2 && before.revision === 1)
    return before.fallbacks > 0 ? null : { ...outcome, observation: null };
  if (job.revision > 1 || isOver(before)) return null;
  if (before?.experiments?.holdFor && !job.experiments?.holdFor)
    return { ...outcome, observation: unansweredObservation(before, now) };
  const observation = isOver(job) ? observationOf(job) : null;
  return observation && { ...outcome, observation };
}

/** The tallies of an experiment with one more outcome. */
export function addOutcome(tallies: Tallies, document: Experiment, { arms, observation }: Outcome): Tallies {
  const assigned = arms.find(({ experiment }) => experiment === document.name);
  if (!assigned || isPromoted(document, assigned)) return tallies;
  if (observation === null && !comparesLateFailures(document)) return tallies;
  const tally = tallies[assigned.arm] ?? emptyArmTally(guardrailsOf(document).length);
  if (observation === null) return { ...tallies, [assigned.arm]: addLateFailure(tally) };
  const counted = observedInTime(tallies, document, observation);
  return { ...tallies, [assigned.arm]: addObservation(tally, document, counted, assigned.probability) };
}

/** Whether an arm got the job because it gets all since it was promoted: nothing came beside it that it could be compared with. */
function isPromoted({ kind }: Experiment, { probability }: Assignment): boolean {
  return (kind === 'ab' || kind === 'adaptive') && probability === 1;
}

/** The longest and the least that a job is given to be answered anew before its deadline, in ms. */
const LONGEST_RERUN_MS = 600_000;
const SHORTEST_RERUN_MS = 5000;

/** What a job needs to be answered anew by the stable arm, in ms: twice the time that is enough for all but one in twenty. */
export function rerunNeedsMs(document: Experiment, tallies: Tallies): number {
  const stable = tallies[document.arms[0]!.name];
  const usualMs = (stable && latencyQuantile(stable, 0.95)) ?? 0;
  return Math.min(LONGEST_RERUN_MS, Math.max(SHORTEST_RERUN_MS, 2 * usualMs));
}

/**
 * How long a job may stay with a canary that holds its answers, in ms from its acceptance: half of its time at least.
 *
 * @param limitMs from the job's acceptance to its deadline
 */
export function canaryTimeMs(limitMs: number, needsMs: number): number {
  return limitMs - Math.min(needsMs, limitMs / 2);
}

/** A canary that holds has less time for a job than the stable arm: both are measured by what they manage in that time. */
function observedInTime(tallies: Tallies, document: Experiment, observation: Observation): Observation {
  if (document.kind !== 'canary' || !document.hold || observation.limitMs === null) return observation;
  return observedWithin(canaryTimeMs(observation.limitMs, rerunNeedsMs(document, tallies)), observation);
}

/** Whether a job has ended, or its end is held. */
function isOver(job: JobState | null): boolean {
  return job !== null && (Boolean(job.experiments?.held) || isTerminal(job.status));
}
