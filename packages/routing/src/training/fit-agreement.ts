import { byFinal, evidenceOf } from '../scorer/agreement.ts';
import type { Agreement, Compared } from '../scorer/agreement.ts';
import { solve } from '../scorer/solve.ts';

/** An answer, and whether it was right (0 or 1). */
export interface JudgedAnswer extends Compared {
  right: number;
}

/** The final answers given to a question: what speaks for each, and the shares of what is right. Where none is, all shares are 0. */
interface Choice {
  evidence: number[][];
  shares: number[];
}

const START: Agreement = { answer: 0, score: 1, same: 0, ahead: 0 };
const HOLD = 1;
const STEPS = 30;

/**
 * What answers to the same question say of each other: multinomial logistic regression on which final answer is right, if any, by
 * Newton's method. The same answers in the same order give the same figures.
 */
export function fitAgreement(questions: readonly JudgedAnswer[][]): Agreement {
  const choices = questions.flatMap(comparisonsOf).map(choiceOf);
  let at = Object.values(START);
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, curvature } = slopesAt(choices, at);
    const move = solve(curvature, gradient);
    at = at.map((value, index) => value - move[index]!);
    if (Math.max(...move.map(Math.abs)) < 1e-7) break;
  }
  const [answer = 0, score = 0, same = 0, ahead = 0] = at.map((value) => Math.round(value * 1e4) / 1e4);
  return { answer, score, same, ahead };
}

/** Every two answers to a question, and all of them. */
function comparisonsOf(answers: JudgedAnswer[]): JudgedAnswer[][] {
  const pairs = answers.flatMap((one, index) => answers.slice(index + 1).map((other) => [one, other]));
  return answers.length > 2 ? [...pairs, answers] : pairs;
}

function choiceOf(answers: JudgedAnswer[]): Choice {
  const right = byFinal(answers).map((same) => Math.max(...same.map((answer) => answer.right)));
  const all = Math.max(1, sum(right));
  return { evidence: evidenceOf(answers).map(Object.values<number>), shares: right.map((value) => value / all) };
}

function slopesAt(choices: Choice[], at: number[]) {
  const gradient = at.map((value, index) => HOLD * (value - Object.values(START)[index]!));
  const curvature = at.map((_, row) => at.map((_value, column) => (row === column ? HOLD : 0)));
  for (const { evidence, shares } of choices) {
    const odds = evidence.map((values) => Math.exp(values.reduce((total, value, index) => total + value * at[index]!, 0)));
    const chances = odds.map((value) => value / (1 + sum(odds)));
    const expected = at.map((_, index) => sum(evidence.map((values, which) => chances[which]! * values[index]!)));
    evidence.forEach((values, which) => {
      for (let row = 0; row < at.length; row += 1) {
        gradient[row]! += (chances[which]! - shares[which]!) * values[row]!;
        for (let column = 0; column < at.length; column += 1)
          curvature[row]![column]! += chances[which]! * values[row]! * (values[column]! - expected[column]!);
      }
    });
  }
  return { gradient, curvature };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
