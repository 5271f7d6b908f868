import { solve } from '../scorer/solve.ts';

/** Inputs of which the first is usually 1, and what came of them: 0 or 1. */
export interface Observation {
  inputs: ArrayLike<number>;
  ok: number;
  /** How much it counts; 1 unless it is told. */
  weight?: number;
}

/** Where each weight is drawn to, and how strongly (the second derivative of the penalty). */
export interface Prior {
  start: readonly number[];
  holds: readonly number[];
}

const STEPS = 40;
/** No weight moves further in a step: far from the optimum the curvature misleads. */
const LONGEST_MOVE = 2;
/** Nor is a step taken that makes things worse: it is halved, so often at most. */
const HALVINGS = 20;
/** What counts as worse, as a share: less is how numbers are rounded. */
const WORSE = 1e-12;

/**
 * Logistic regression by Newton's method on the penalized log-likelihood, which has one optimum: the same observations in the
 * same order give the same weights.
 */
export function fitLogistic(observations: readonly Observation[], prior: Prior): number[] {
  let at = [...prior.start];
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, curvature } = slopesAt(observations, at, prior);
    const move = solve(curvature, gradient);
    const farthest = Math.max(...move.map(Math.abs));
    at = movedDown(observations, at, move, Math.min(1, LONGEST_MOVE / farthest), prior);
    if (farthest < 1e-7) break;
  }
  return at;
}

/** @param most the share of the move that is tried first */
function movedDown(observations: readonly Observation[], from: number[], move: number[], most: number, prior: Prior): number[] {
  const before = lossAt(observations, from, prior);
  for (let share = most, halved = 0; ; share /= 2, halved += 1) {
    const at = from.map((value, index) => value - share * move[index]!);
    if (halved === HALVINGS || lossAt(observations, at, prior) <= before * (1 + WORSE)) return at;
  }
}

/** What is to be made small: −log of the probabilities that were given to what turned out, and what straying from the prior costs. */
function lossAt(observations: readonly Observation[], at: number[], { start, holds }: Prior): number {
  const strayed = at.reduce((sum, value, index) => sum + (holds[index]! * (value - start[index]!) ** 2) / 2, 0);
  return observations.reduce((sum, one) => sum + (one.weight ?? 1) * logLoss(one, at), strayed);
}

function slopesAt(observations: readonly Observation[], at: number[], { start, holds }: Prior) {
  const width = at.length;
  const gradient = at.map((value, index) => holds[index]! * (value - start[index]!));
  const lower = at.map(() => new Float64Array(width));
  for (const { inputs, ok, weight: counts = 1 } of observations) {
    const probability = 1 / (1 + Math.exp(-dot(inputs, at)));
    const weight = counts * Math.max(1e-6, probability * (1 - probability));
    for (let row = 0; row < width; row += 1) {
      const input = inputs[row]!;
      if (input === 0) continue;
      gradient[row]! += counts * (probability - ok) * input;
      const line = lower[row]!;
      for (let column = 0; column <= row; column += 1) line[column]! += weight * input * inputs[column]!;
    }
  }
  const curvature = lower.map((line, row) =>
    Array.from(line, (value, column) => (column <= row ? value : lower[column]![row]!) + (row === column ? holds[row]! : 0)),
  );
  return { gradient, curvature };
}

/** −log of the probability that was given to what turned out, in nats. */
export function logLoss({ inputs, ok }: Observation, learnt: ArrayLike<number>): number {
  const logOdds = dot(inputs, learnt);
  return Math.log1p(Math.exp(-Math.abs(logOdds))) + Math.max(0, ok === 1 ? -logOdds : logOdds);
}

export function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += one[index]! * other[index]!;
  return sum;
}
