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

/**
 * Logistic regression by Newton's method on the penalized log-likelihood, which has one optimum: the same observations in the
 * same order give the same weights.
 */
export function fitLogistic(observations: readonly Observation[], { start, holds }: Prior): number[] {
  let at = [...start];
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, curvature } = slopesAt(observations, at, { start, holds });
    const move = solve(curvature, gradient);
    const farthest = Math.max(...move.map(Math.abs));
    const share = Math.min(1, LONGEST_MOVE / farthest);
    at = at.map((value, index) => value - share * move[index]!);
    if (farthest < 1e-7) break;
  }
  return at;
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
