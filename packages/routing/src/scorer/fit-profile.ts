import type { ScorerProfile } from '@upshift/contracts';

import { denseNames, factsOfAnswer } from './features.ts';
import { standardized } from './model.ts';
import type { ScorerWeights } from './model.ts';
import { logOddsOf, shippedWeights } from './score-answer.ts';
import { solve } from './solve.ts';

/** An answer that somebody has looked at. */
export interface JudgedAnswer {
  prompt: string;
  answer: string;
  ok: boolean;
}

/** How strongly the shipped scorer is held to: by many labels less than by few. Chosen among these by labels that were left out. */
const HOLDS = [3, 10, 30, 100, 300, 1000];
/** The slope strays from 1, and the intercept from 0, far more freely than any one feature from nothing. */
const SLOPE_HOLD = 5;
const INTERCEPT_HOLD = 0.1;
const STEPS = 25;
const FOLDS = 5;

/**
 * What labels of a user's own answers change of the shipped scorer: logistic regression on its log-odds and on the features,
 * drawn to leaving it as it is. The same labels in the same order give the same profile.
 *
 * @throws RangeError where all labels are the same, from which nothing can be learnt
 */
export function fitProfile(answers: JudgedAnswer[], weights: ScorerWeights = shippedWeights): ScorerProfile {
  const rows = answers.map((answer) => rowOf(answer, weights));
  if (new Set(rows.map(({ ok }) => ok)).size < 2)
    throw new RangeError('all labels are the same, so nothing can be learnt of them');
  const losses = HOLDS.map((hold) => heldOutLoss(rows, hold));
  return profileOf(fit(rows, HOLDS[losses.indexOf(Math.min(...losses))]!));
}

/** The shipped log-odds and the features, after a 1 for the intercept. */
interface Row {
  inputs: number[];
  ok: number;
}

function rowOf({ prompt, answer, ok }: JudgedAnswer, weights: ScorerWeights): Row {
  const facts = factsOfAnswer(prompt, answer);
  const alone = { agreeing: 0, differing: 0, agreeingScore: 0, differingScore: 0 };
  return { inputs: [1, logOddsOf(facts, alone, null, weights), ...standardized(facts, weights)], ok: ok ? 1 : 0 };
}

/** The loss on each fifth of the rows by what the others say. */
function heldOutLoss(rows: Row[], hold: number): number {
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

function lossOf({ inputs, ok }: Row, learnt: number[]): number {
  const logOdds = dot(inputs, learnt);
  return Math.log1p(Math.exp(-Math.abs(logOdds))) + Math.max(0, ok === 1 ? -logOdds : logOdds);
}

/** Newton's method on the penalized log-likelihood, which has one optimum. */
function fit(rows: Row[], hold: number): number[] {
  const width = 2 + denseNames.length;
  const start: number[] = Array.from({ length: width }, (_, index) => (index === 1 ? 1 : 0));
  const holds = start.map((_, index) => (index === 0 ? INTERCEPT_HOLD : index === 1 ? SLOPE_HOLD : hold));
  let at = start;
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, curvature } = slopesAt(rows, at, start, holds);
    const move = solve(curvature, gradient);
    at = at.map((value, index) => value - move[index]!);
    if (Math.max(...move.map(Math.abs)) < 1e-7) break;
  }
  return at;
}

function slopesAt(rows: Row[], at: number[], start: number[], holds: number[]): { gradient: number[]; curvature: number[][] } {
  const gradient = at.map((value, index) => holds[index]! * (value - start[index]!));
  const curvature = at.map((_, row) => at.map((_value, column) => (row === column ? holds[row]! : 0)));
  for (const { inputs, ok } of rows) {
    const probability = 1 / (1 + Math.exp(-dot(inputs, at)));
    const weight = Math.max(1e-6, probability * (1 - probability));
    for (let row = 0; row < inputs.length; row += 1) {
      const input = inputs[row]!;
      gradient[row]! += (probability - ok) * input;
      for (let column = 0; column <= row; column += 1) curvature[row]![column]! += weight * input * inputs[column]!;
    }
  }
  curvature.forEach((line, row) =>
    line.forEach((_value, column) => (line[column] = curvature[Math.max(row, column)]![Math.min(row, column)]!)),
  );
  return { gradient, curvature };
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

function dot(one: number[], other: number[]): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += one[index]! * other[index]!;
  return sum;
}
