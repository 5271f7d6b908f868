import { isDeepStrictEqual } from 'node:util';

import type { LabelLine, ScorerProfile } from '@upshift/contracts';

import { fitProfile } from './fit-profile.ts';
import type { JudgedAnswer } from './fit-profile.ts';
import { fitThresholds } from './fit-thresholds.ts';
import type { FittedThresholds, LabelledQuestion } from './fit-thresholds.ts';
import { factsOfAnswer } from './features.ts';
import type { AnswerFacts } from './features.ts';
import { probabilityOf } from './model.ts';
import { logOddsOf } from './score-answer.ts';

/** How good probabilities were on labels that nothing was learnt from. */
interface Fit {
  /** Mean of −log of the probability that was given to what turned out, in nats; lower is better. */
  logLoss: number;
  /** Mean probability less the share that is right: above 0 the scorer is too sure. */
  bias: number;
}

/** A profile, and what it changes on labels that were left out of its making. */
export interface Calibrated {
  profile: ScorerProfile;
  labels: number;
  /** By the profile in force, or as shipped. */
  before: Fit;
  fitted: Fit;
  /** False where the labels teach nothing: the profile is the one in force, or one that leaves the scorer as it is. */
  isBetter: boolean;
  /** For each label the probability by the profile, or by one that has not seen its question, in the order of the labels. */
  heldOut: number[];
}

const FOLDS = 5;
const unchanged: ScorerProfile = { intercept: 0, slope: 1, features: {} };

/** Fits the scorer to labels; `current` is the profile in force. Throws a `RangeError` where they are too few, or all the same. */
export function calibrate(labels: LabelLine[], current: ScorerProfile | null = null): Calibrated {
  const answers = labels.map(({ prompt, answer, ok }) => ({ facts: factsOfAnswer(prompt, answer), ok: Boolean(ok) }));
  const foldOf = foldsByQuestion(labels);
  const profile = fitProfile(answers);
  const profiles = Array.from({ length: FOLDS }, (_, fold) => fitWithout(fold, answers, foldOf));
  const fittedScores = answers.map(({ facts }, at) => scoreBy(facts, profiles[foldOf[at]!]!));
  // What these very labels have made has seen them all: its folds say more truly how good it is.
  const currentScores = isDeepStrictEqual(profile, current) ? fittedScores : answers.map(({ facts }) => scoreBy(facts, current));
  const [before, fitted] = [currentScores, fittedScores].map((scores) =>
    fitOf(
      scores,
      answers.map(({ ok }) => ok),
    ),
  ) as [Fit, Fit];
  const isBetter = fitted.logLoss < before.logLoss;
  return {
    profile: isBetter ? profile : (current ?? unchanged),
    labels: labels.length,
    before,
    fitted,
    isBetter,
    heldOut: isBetter ? fittedScores : currentScores,
  };
}

function fitWithout(fold: number, answers: JudgedAnswer[], foldOf: number[]): ScorerProfile {
  const others = answers.filter((_answer, at) => foldOf[at] !== fold);
  if (new Set(others.map(({ ok }) => ok)).size < 2)
    throw new RangeError('there are too few good or too few bad labels to learn from a part of them and try it on the rest');
  return fitProfile(others);
}

/** What `calibrateThresholds` needs to know of the configuration that is to be changed. */
export interface Ladder {
  /** Tiers from the cheapest to the dearest, as they are named in the labels. */
  tiers: string[];
  /** Null where no threshold of complexity can be set, because there are other tiers too. */
  complexityOf: ((prompt: string) => number) | null;
  costUsdOf(tier: string, prompt: string, answer: string): number;
}

/** Questions that all tiers have answered, and the thresholds for them; null where too few labels make any trustworthy. */
export function calibrateThresholds(
  labels: LabelLine[],
  heldOut: number[],
  ladder: Ladder,
  target: number,
): { questions: number; thresholds: FittedThresholds | null } {
  const byQuestion = Map.groupBy(
    labels.map((label, at) => ({ ...label, score: heldOut[at] ?? 0 })),
    ({ question_id: id }) => id,
  );
  const questions = [...byQuestion.values()].flatMap((answers): LabelledQuestion[] => {
    const ofTiers = ladder.tiers.map((tier) => answers.find((answer) => answer.tier === tier));
    if (!ofTiers.every((answer) => answer !== undefined)) return [];
    return [
      {
        complexity: ladder.complexityOf?.(ofTiers[0]!.prompt) ?? 0,
        answers: ofTiers.map(({ tier, prompt, answer, ok, score }) => ({
          ok: Boolean(ok),
          score,
          costUsd: ladder.costUsdOf(tier, prompt, answer),
        })),
      },
    ];
  });
  const thresholds = questions.length === 0 ? null : fitThresholds(questions, target, ladder.complexityOf !== null);
  return { questions: questions.length, thresholds };
}

/** The same question is in the same fold, so that nothing is learnt of a question that is then asked. */
function foldsByQuestion(labels: LabelLine[]): number[] {
  const seen = new Map<LabelLine['question_id'], number>();
  return labels.map(({ question_id: id }) => {
    if (!seen.has(id)) seen.set(id, seen.size % FOLDS);
    return seen.get(id)!;
  });
}

function scoreBy(facts: AnswerFacts, profile: ScorerProfile | null): number {
  return probabilityOf(logOddsOf(facts, [], profile));
}

function fitOf(scores: number[], labels: boolean[]): Fit {
  const losses = scores.map((score, at) => -Math.log(Math.max(1e-9, labels[at] ? score : 1 - score)));
  return { logLoss: mean(losses), bias: mean(scores) - mean(labels.map(Number)) };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
