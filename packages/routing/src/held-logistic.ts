import { solve } from './scorer/solve.ts';

/** What is known of a case: inputs after a 1 for the intercept, whether it came true, and how much it counts. */
export interface LogisticRow {
  inputs: number[];
  ok: number;
  weight: number;
}

const STEPS = 25;

/**
 * Logistic regression that is held to where it starts, each weight by its own hold: Newton's method on the penalized log-likelihood, which
 * has one optimum. The same rows in the same order give the same weights.
 */
export function fitHeld(rows: LogisticRow[], start: number[], holds: number[]): number[] {
  let at = start;
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, curvature } = slopesAt(rows, at, start, holds);
    const move = solve(curvature, gradient);
    at = at.map((value, index) => value - move[index]!);
    if (Math.max(...move.map(Math.abs)) < 1e-7) break;
  }
  return at;
}

/** −log of the probability that was given to what turned out, in nats. */
export function logLoss({ inputs, ok }: Pick<LogisticRow, 'inputs' | 'ok'>, learnt: number[]): number {
  const logOdds = dot(inputs, learnt);
  return Math.log1p(Math.exp(-Math.abs(logOdds))) + Math.max(0, ok === 1 ? -logOdds : logOdds);
}

function slopesAt(rows: LogisticRow[], at: number[], start: number[], holds: number[]) {
  const gradient = at.map((value, index) => holds[index]! * (value - start[index]!));
  const curvature = at.map((_, row) => at.map((_value, column) => (row === column ? holds[row]! : 0)));
  for (const { inputs, ok, weight: counts } of rows) {
    const probability = 1 / (1 + Math.exp(-dot(inputs, at)));
    const weight = counts * Math.max(1e-6, probability * (1 - probability));
    for (let row = 0; row < inputs.length; row += 1) {
      const input = inputs[row]!;
      gradient[row]! += counts * (probability - ok) * input;
      for (let column = 0; column <= row; column += 1) curvature[row]![column]! += weight * input * inputs[column]!;
    }
  }
  curvature.forEach((line, row) =>
    line.forEach((_value, column) => (line[column] = curvature[Math.max(row, column)]![Math.min(row, column)]!)),
  );
  return { gradient, curvature };
}

export function dot(one: number[], other: number[]): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += one[index]! * other[index]!;
  return sum;
}
