import type { ScorerProfile } from '@upshift/contracts';

import { arithmetic, consistent, extractable, finished, unhedged } from '../checks/answer-signs.ts';
import { askedFormat } from '../checks/asked-format.ts';
import { language } from '../checks/language.ts';
import { finalAnswerOf } from './extract-answer.ts';
import { denseNames, factsOfAnswer } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { calibrated, noOthers, probabilityOf, rawScore, shown } from './model.ts';
import type { Others, ScorerWeights } from './model.ts';
import shipped from './weights.json' with { type: 'json' };

/** What `npm run train:weights` made. */
export const shippedWeights = shipped as unknown as ScorerWeights;

/** What was found about an answer, in words. */
export interface AnswerFinding {
  type: string;
  passed: boolean;
  /** In [0, 1]. */
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
      ...signsOf(prompt, answer),
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
  return shown(facts, weights).reduce(
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

function signsOf(prompt: string, answer: string): AnswerFinding[] {
  const findings = {
    extractable: extractable(prompt, answer),
    arithmetic: arithmetic(answer),
    finished: finished(answer),
    unhedged: unhedged(answer),
    consistent: consistent(prompt, answer),
    language: language(prompt, answer),
    asked_format: askedFormat(prompt, answer),
  };
  return Object.entries(findings).map(([type, finding]) => ({ type, score: finding.passed ? 1 : 0, ...finding }));
}

function agreement(agreeing: number, of: number): AnswerFinding {
  const reason = `${agreeing} of ${of} other answers ${of === 1 ? 'comes' : 'come'} to the same`;
  return { type: 'agreement', passed: agreeing * 2 > of, score: agreeing / of, reason };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
