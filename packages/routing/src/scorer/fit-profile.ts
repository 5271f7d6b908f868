import type { ScorerProfile } from '@upshift/contracts';

import { denseNames } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { fitLogistic } from '../training/logistic.ts';
import type { Observation } from '../training/logistic.ts';
import { shown } from './model.ts';
import type { ScorerWeights } from './model.ts';
import { logOddsOf, shippedWeights } from './score-answer.ts';

/** An answer that somebody has looked at. */
export interface JudgedAnswer {
  facts: AnswerFacts;
  ok: boolean;
  /** Those that the profile will change; the shipped ones unless given. */
  weights?: ScorerWeights;
}

/**
 * How strongly each is held to leaving the scorer as it is. The slope strays from 1, and the intercept from 0, far more freely than any
 * one sign from nothing; less of a hold on signs fits noise at 50 labels, more of it leaves nothing to be learnt from 400.
 */
const HOLDS = { intercept: 0.1, slope: 5, sign: 150 };

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
  const prior = {
    start: [0, 1, ...denseNames.map(() => 0)],
    holds: [HOLDS.intercept, HOLDS.slope, ...denseNames.map(() => HOLDS.sign)],
  };
  return profileOf(fitLogistic(rows, prior));
}

function observationOf({ facts, ok, weights = shippedWeights }: JudgedAnswer): Observation {
  return { inputs: [1, logOddsOf(facts, [], null, weights), ...shown(facts, weights)], ok: ok ? 1 : 0 };
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
