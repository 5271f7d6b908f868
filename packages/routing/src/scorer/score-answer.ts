import type { ScorerProfile } from '@upshift/contracts';

import { arithmetic, consistent, extractable, finished, unhedged } from '../checks/answer-signs.ts';
import { askedFormat } from '../checks/asked-format.ts';
import { language } from '../checks/language.ts';
import { denseNames, factsOfAnswer } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { comeToTheSame } from './agreement.ts';
import type { Compared } from './agreement.ts';
import { calibrated, probabilityOf, rawScore, shown } from './model.ts';
import type { ScorerWeights } from './model.ts';
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
  const looks = others.map((other) => lookOf(factsOfAnswer(prompt, other)));
  const logOdds = logOddsOf(facts, looks, profile);
  const score = round(probabilityOf(logOdds));
  return {
    score,
    checks: [
      ...signsOf(prompt, answer),
      ...(others.length === 0 ? [] : [agreement(looks.filter((look) => comeToTheSame(facts, look)).length, others.length)]),
      { type: 'trained', passed: score >= 0.5, score, reason: `like answers of which ${Math.round(score * 100)} % were right` },
    ],
  };
}

export function logOddsOf(
  facts: AnswerFacts,
  others: readonly Compared[],
  profile: ScorerProfile | null = null,
  weights: ScorerWeights = shippedWeights,
): number {
  const shipped = calibrated(lookOf(facts, weights), others, weights.calibration[facts.block]);
  if (profile === null) return shipped;
  return shown(facts, weights).reduce(
    (sum, value, index) => sum + value * (profile.features[denseNames[index]!] ?? 0),
    profile.intercept + profile.slope * shipped,
  );
}

/** What answers are compared by. */
export function lookOf(facts: AnswerFacts, weights: Pick<ScorerWeights, 'blocks'> = shippedWeights): Compared {
  const { final, steps } = facts;
  return { final, steps, score: rawScore(facts, weights) };
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
