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

/** How strongly the shipped scorer is held to: by many labels less than by few. Chosen among these by labels that were left out. */
const HOLDS = [3, 10, 30, 100, 300, 1000];
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
  const losses = HOLDS.map((hold) => heldOutLoss(rows, hold));
  return profileOf(fit(rows, HOLDS[losses.indexOf(Math.min(...losses))]!));
}

function observationOf({ facts, ok, weights = shippedWeights }: JudgedAnswer): Observation {
  return { inputs: [1, logOddsOf(facts, noOthers, null, weights), ...shown(facts, weights)], ok: ok ? 1 : 0 };
}

/** The loss on each fifth of the rows by what the others say. */
function heldOutLoss(rows: Observation[], hold: number): number {
  let loss = 0;
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const learnt = fit(
      rows.filter((_row, index) => index % FOLDS !== fold),
      hold,
    );
    rows.forEach((row, index) => {
      if (index % FOLDS === fold) loss += lossOf(row, learnt);
    });
  }
  return loss;
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

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
