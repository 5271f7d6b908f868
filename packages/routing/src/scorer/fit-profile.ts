import type { ScorerProfile } from '@upshift/contracts';

import { denseNames } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { dot, fitLogistic } from '../training/logistic.ts';
import type { Observation } from '../training/logistic.ts';
import { noOthers, shown } from './model.ts';
import type { ScorerWeights } from './model.ts';
import { logOddsOf, shippedWeights } from './score-answer.ts';

/** An answer that somebody has looked at. */
export interface JudgedAnswer {
  facts: AnswerFacts;
  ok: boolean;
  /** Those that the profile will change; the shipped ones unless given. */
  weights?: ScorerWeights;
}

/** How strongly features are held to nothing, from freely to not at all: the last leaves the order of answers to the shipped scorer. */
const HOLDS = [3, 10, 30, 100, 300, 1000, 1e6];
/** The slope strays from 1, and the intercept from 0, far more freely than any one feature from nothing. */
const SLOPE_HOLD = 5;
const INTERCEPT_HOLD = 0.1;
const FOLDS = 5;

/**
 * What labels of a user's own answers change of the shipped scorer: logistic regression on its log-odds and on the features,
 * drawn to leaving it as it is. The same labels in the same order give the same profile.
 *
 * @throws RangeError where all labels are the same, from which nothing can be learnt
 */
export function fitProfile(answers: JudgedAnswer[]): ScorerProfile {
  const rows = answers.map(observationOf);
  if (new Set(rows.map(({ ok }) => ok)).size < 2)
    throw new RangeError('all labels are the same, so nothing can be learnt of them');
  return profileOf(fit(rows, strongestHold(rows)));
}

function observationOf({ facts, ok, weights = shippedWeights }: JudgedAnswer): Observation {
  return { inputs: [1, logOddsOf(facts, noOthers, null, weights), ...shown(facts, weights)], ok: ok ? 1 : 0 };
}

/** The strongest hold that labels which were left out do not tell from the best one: few labels seldom say which features count. */
function strongestHold(rows: Observation[]): number {
  const losses = HOLDS.map((hold) => heldOutLosses(rows, hold));
  const best = losses.reduce((least, some) => (sum(some) < sum(least) ? some : least));
  return HOLDS[losses.findLastIndex((some) => isWithinError(some.map((loss, index) => loss - best[index]!)))]!;
}

/** Whether the mean is at most its standard error. */
function isWithinError(differences: number[]): boolean {
  const mean = sum(differences) / differences.length;
  const variance = sum(differences.map((difference) => (difference - mean) ** 2)) / differences.length;
  return mean <= Math.sqrt(variance / differences.length);
}

/** The loss of each row by what the four fifths say that it is not in. */
function heldOutLosses(rows: Observation[], hold: number): number[] {
  const losses = rows.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const learnt = fit(
      rows.filter((_row, index) => index % FOLDS !== fold),
      hold,
    );
    rows.forEach((row, index) => {
      if (index % FOLDS === fold) losses[index] = lossOf(row, learnt);
    });
  }
  return losses;
}

function lossOf({ inputs, ok }: Observation, learnt: number[]): number {
  const logOdds = dot(inputs, learnt);
  return Math.log1p(Math.exp(-Math.abs(logOdds))) + Math.max(0, ok === 1 ? -logOdds : logOdds);
}

function fit(rows: Observation[], hold: number): number[] {
  const start = [0, 1, ...denseNames.map(() => 0)];
  const holds = start.map((_, index) => (index === 0 ? INTERCEPT_HOLD : index === 1 ? SLOPE_HOLD : hold));
  return fitLogistic(rows, { start, holds });
}

function profileOf([intercept = 0, slope = 1, ...features]: number[]): ScorerProfile {
  const named = features.map((value, index) => [denseNames[index]!, rounded(value)] as const);
  return {
    intercept: rounded(intercept),
    slope: Math.max(0.001, rounded(slope)),
    features: Object.fromEntries(named.filter(([, value]) => value !== 0)),
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
