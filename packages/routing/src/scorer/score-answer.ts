import type { ScorerProfile } from '@upshift/contracts';

import { equationsOf } from './arithmetic.ts';
import { finalAnswerOf } from './extract-answer.ts';
import { denseNames, factsOfAnswer } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { calibrated, noOthers, probabilityOf, rawScore, standardized } from './model.ts';
import type { Others, ScorerWeights } from './model.ts';
import shipped from './weights.json' with { type: 'json' };

/** What `npm run train:scorer` made. */
export const shippedWeights = shipped as unknown as ScorerWeights;

/** What was found about an answer, in words. */
export interface AnswerFinding {
  type: 'extractable' | 'arithmetic' | 'agreement' | 'trained';
  passed: boolean;
  score: number;
  reason: string;
}

export interface AnswerScore {
  /** The calibrated probability that the answer is right. */
  score: number;
  checks: AnswerFinding[];
}

/**
 * How likely an answer is right, by what can be seen of it and its prompt.
 *
 * @param others further cheap answers to the same prompt: their final answers are compared with this one's
 */
export function scoreAnswer(
  prompt: string,
  answer: string,
  others: string[] = [],
  profile: ScorerProfile | null = null,
): AnswerScore {
  const facts = factsOfAnswer(prompt, answer);
  const compared = compare(prompt, answer, others);
  const logOdds = logOddsOf(facts, compared, profile);
  const score = round(probabilityOf(logOdds));
  return {
    score,
    checks: [
      extractable(prompt, answer),
      arithmetic(answer),
      ...(others.length === 0 ? [] : [agreement(compared.agreeing, others.length)]),
      { type: 'trained', passed: score >= 0.5, score, reason: `like answers of which ${Math.round(score * 100)} % were right` },
    ],
  };
}

export function logOddsOf(
  facts: AnswerFacts,
  others: Others,
  profile: ScorerProfile | null = null,
  weights: ScorerWeights = shippedWeights,
): number {
  const shipped = calibrated(rawScore(facts, weights), weights.calibration[facts.block], others);
  if (profile === null) return shipped;
  return standardized(facts, weights).reduce(
    (sum, value, index) => sum + value * (profile.features[denseNames[index]!] ?? 0),
    profile.intercept + profile.slope * shipped,
  );
}

/** How good an answer looks by itself, in log-odds that are not calibrated. */
export function rawScoreOf(facts: AnswerFacts): number {
  return rawScore(facts, shippedWeights);
}

/** What others say of an answer, by their final answers and by how good they look. */
export function compare(prompt: string, answer: string, others: string[], weights: ScorerWeights = shippedWeights): Others {
  return othersOf(
    others.map((other) => ({ agrees: agrees(answer, other, prompt), score: rawScore(factsOfAnswer(prompt, other), weights) })),
  );
}

/** The sums over other answers: whether each comes to the same, and its raw score. */
export function othersOf(seen: { agrees: boolean; score: number }[]): Others {
  return seen.reduce<Others>(
    (sum, { agrees: isSame, score }) =>
      isSame
        ? { ...sum, agreeing: sum.agreeing + 1, agreeingScore: sum.agreeingScore + score }
        : { ...sum, differing: sum.differing + 1, differingScore: sum.differingScore + score },
    noOthers,
  );
}

/** Whether two answers come to the same. */
export function agrees(answer: string, other: string, prompt: string): boolean {
  const [one, two] = [finalAnswerOf(answer, prompt), finalAnswerOf(other, prompt)];
  return one !== null && two !== null && one.value === two.value;
}

function extractable(prompt: string, answer: string): AnswerFinding {
  const final = finalAnswerOf(answer, prompt);
  if (final === null) return { type: 'extractable', passed: false, score: 0, reason: 'what it comes to can not be told' };
  const reason = `comes to ${final.value.slice(0, 80)}${final.marked ? '' : ', the last number of a text that names no final answer'}`;
  return { type: 'extractable', passed: true, score: final.marked ? 1 : 0.5, reason };
}

function arithmetic(answer: string): AnswerFinding {
  const equations = equationsOf(answer);
  const wrong = equations.filter(({ holds }) => !holds);
  if (equations.length === 0) return { type: 'arithmetic', passed: true, score: 1, reason: 'shows no calculation' };
  const [first] = wrong;
  if (first === undefined)
    return { type: 'arithmetic', passed: true, score: 1, reason: `${equations.length} calculations add up` };
  const reason = `${first.text.trim()} does not add up (${Number(first.actual.toPrecision(6))})`;
  return { type: 'arithmetic', passed: false, score: 1 - wrong.length / equations.length, reason };
}

function agreement(agreeing: number, of: number): AnswerFinding {
  const reason = `${agreeing} of ${of} other answers ${of === 1 ? 'comes' : 'come'} to the same`;
  return { type: 'agreement', passed: agreeing * 2 > of, score: agreeing / of, reason };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
