import type { Experiment, ExperimentEvent, ExperimentOf, ExperimentStatus } from '@upshift/contracts';

import { emptyAdaptive, evaluateAdaptive } from './adaptive.ts';
import type { AdaptiveState } from './adaptive.ts';
import { emptyArmTally } from './arm-tally.ts';
import { byHand, canaryShare, command, evaluate, newCanary, refuseWhereNotAllowed } from './canary.ts';
import type { ExperimentAction, CanaryDecision, CanaryState, Command } from './canary.ts';
import type { Tallies } from './outcome.ts';

/** Plain data, to be stored: where an experiment of any kind stands. */
export interface ExperimentState {
  status: ExperimentStatus;
  reason: string;
  /** Of an experiment other than a canary: the arm that was promoted by hand. */
  promotedArm: string | null;
  canary: CanaryState | null;
  adaptive: AdaptiveState | null;
}

export interface ExperimentDecision {
  state: ExperimentState;
  actions: ExperimentAction[];
}

export function newExperimentState(document: Experiment, seed: number, now: number): ExperimentState {
  const canary = document.kind === 'canary' ? newCanary(document, now) : null;
  const adaptive = document.kind === 'adaptive' ? emptyAdaptive(document, seed) : null;
  return { status: 'running', reason: canary?.reason ?? 'begins', promotedArm: null, canary, adaptive };
}

/** The part of new jobs that each arm gets; none for a job that takes no part. */
export function sharesOf(
  document: Experiment,
  { status, promotedArm, canary, adaptive }: ExperimentState,
): Record<string, number> {
  if (status === 'promoted' && promotedArm !== null) return { [promotedArm]: 1 };
  if (document.kind === 'canary') return canaryShares(document, status, canary!);
  if (status !== 'running') return {};
  switch (document.kind) {
    case 'ab':
      return Object.fromEntries(document.arms.map(({ name, share }) => [name, share]));
    case 'adaptive':
      return adaptive!.shares;
    case 'shadow':
      return { [document.arms[0]!.name]: document.share };
  }
}

function canaryShares(document: ExperimentOf<'canary'>, status: ExperimentStatus, canary: CanaryState): Record<string, number> {
  if (status !== 'running' && status !== 'promoted') return {};
  const [stable, candidate] = document.arms;
  const share = canaryShare(document, canary);
  return { [stable!.name]: 1 - share, [candidate!.name]: share };
}

/** What has come since the last evaluation, and what follows from it. */
export function evaluateExperiment(
  document: Experiment,
  state: ExperimentState,
  tallies: Tallies,
  now: number,
): ExperimentDecision {
  if (state.status !== 'running') return { state, actions: [] };
  switch (document.kind) {
    case 'canary': {
      const [stable, canary] = document.arms.map(({ name }) => tallies[name] ?? emptyArmTally(document.guardrails.length));
      return ofCanary(state, evaluate(document, state.canary!, { stable: stable!, canary: canary! }, now));
    }
    case 'adaptive':
      return { state: { ...state, adaptive: evaluateAdaptive(document, state.adaptive!, tallies) }, actions: [] };
    case 'ab':
    case 'shadow':
      return { state, actions: [] };
  }
}

/** What a person asks of an experiment; throws in words where its state or its kind does not allow it. */
export function commandExperiment(
  document: Experiment,
  state: ExperimentState,
  name: Command,
  arm: string | null,
  now: number,
): ExperimentDecision {
  // Before the canary is asked, because its own state does not know of an end that came from outside.
  refuseWhereNotAllowed(name, state.status);
  if (document.kind === 'canary') {
    if (name === 'promote') refuseOtherArm(document, arm);
    return ofCanary(state, command(document, state.canary!, name, now));
  }
  if (name === 'promote') return promote(document, state, arm);
  const { status, reason, event } = byHand[name];
  return changed(state, status, reason, event);
}

/** The end of an experiment that nobody asked for: its configuration has changed, or its budget is spent. */
export function endExperiment(state: ExperimentState, reason: string): ExperimentDecision {
  return changed(state, 'ended', reason, 'experiment.ended');
}

/** What becomes of the answers that a canary has held back. */
export function fateOfHeld({ status, canary }: ExperimentState): 'wait' | 'release' | 'rerun' {
  if (status === 'running' || status === 'paused') return 'wait';
  // What was promoted and then came into the configuration had passed: `ended` says nothing against it.
  const passed = status === 'promoted' || (status === 'ended' && canary?.status === 'promoted');
  return passed ? 'release' : 'rerun';
}

function ofCanary(state: ExperimentState, { state: canary, actions }: CanaryDecision): ExperimentDecision {
  return { state: { ...state, status: canary.status, reason: canary.reason, canary }, actions };
}

/** Who names an arm does not expect all jobs to go to the other one. */
function refuseOtherArm({ arms: [stable, canary] }: ExperimentOf<'canary'>, arm: string | null): void {
  if (arm !== null && arm !== canary!.name)
    throw new Error(`a canary promotes ${canary!.name}; to keep ${stable!.name}, abort it`);
}

function promote(document: Experiment, state: ExperimentState, arm: string | null): ExperimentDecision {
  if (document.kind === 'shadow') throw new Error('a shadow has nothing to promote: make a canary of its candidate');
  const names = document.arms.map(({ name }) => name);
  if (arm === null || !names.includes(arm)) throw new Error(`say which arm to promote: ${names.join(', ')}`);
  return changed({ ...state, promotedArm: arm }, 'promoted', `${arm} promoted by hand: it gets all jobs`, 'experiment.promoted');
}

function changed(state: ExperimentState, status: ExperimentStatus, reason: string, event: ExperimentEvent): ExperimentDecision {
  const canary = state.canary && status === 'ended' ? { ...state.canary, reason } : state.canary;
  return { state: { ...state, status, reason, canary }, actions: [{ type: 'announce', event }] };
}
