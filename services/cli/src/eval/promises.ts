import { draw, fitThresholds, deliveredBy, probabilityOf } from '@upshift/routing';
import type { LabelledQuestion } from '@upshift/routing';

import { extraUsd } from './money.ts';
import type { Router } from './money.ts';
import type { Pair } from './pairs.ts';

/** What thresholds promised on one half of the questions, and what they then delivered on the other. */
export interface Promise95 {
  pair: string;
  router: string;
  /** Shares of the strong model's quality and cost. */
  promised: { quality: number; cost: number };
  delivered: { quality: number; cost: number };
}

const TARGET = 0.95;
/** How often the questions are halved anew. */
const SPLITS = 10;

/** What a promise comes to, by so many ways to halve the questions. Thresholds that no half can be trusted to are left out. */
export function promisesOf(pair: Pair, router: Router, classifier: Router | undefined): Promise95[] {
  if (pair.questions.some(({ weak, strong }) => ![weak, strong].every((value) => value === 0 || value === 1))) return [];
  const questions = labelledQuestions(pair, router, classifier);
  return Array.from({ length: SPLITS }, (_, split) => split).flatMap((split) => {
    const isFirst = questions.map((_question, index) => draw((split + 0.5) / SPLITS, index) < 0.5);
    const fitted = fitThresholds(
      questions.filter((_question, index) => isFirst[index]),
      TARGET,
    );
    if (fitted === null) return [];
    const delivered = deliveredBy(
      questions.filter((_question, index) => !isFirst[index]),
      fitted,
    );
    const promised = { quality: fitted.quality, cost: fitted.cost };
    return [{ pair: `${pair.name}: ${pair.weakModel} → ${pair.strongModel}`, router: router.name, promised, delivered }];
  });
}

/** A cascade starts where the classifier says; a router of prompts accepts what the weak model answers. */
function labelledQuestions(pair: Pair, router: Router, classifier: Router | undefined): LabelledQuestion[] {
  const isCascade = router.kind === 'cascade';
  return pair.questions.map((question, index) => ({
    complexity: (isCascade ? classifier?.scores[index] : router.scores[index]) ?? 0,
    answers: [
      {
        ok: question.weak === 1,
        score: isCascade ? probabilityOf(-router.scores[index]!) : 1,
        costUsd: question.weakUsd + extraUsd(question, router.extra),
      },
      { ok: question.strong === 1, score: 1, costUsd: question.strongUsd },
    ],
  }));
}

/** Of all promises: how many delivered 94 % and more, and how many at most 1.15 of the promised cost. */
export function keptOf(promises: Promise95[]): { promises: number; quality: number; cost: number } {
  const share = (isKept: (promise: Promise95) => boolean): number =>
    promises.length === 0 ? 0 : promises.filter(isKept).length / promises.length;
  return {
    promises: promises.length,
    quality: share(({ delivered }) => delivered.quality >= TARGET - 0.01),
    cost: share(({ promised, delivered }) => delivered.cost <= 1.15 * promised.cost),
  };
}
