import { draw, foldOf, FOLDS, promptFeatures } from '@upshift/routing';
import type { GainRow, LabelledAnswer } from '@upshift/routing';
import { expect, test } from 'vitest';

import { baselinesOf } from '../../services/cli/src/eval/baselines.ts';
import { oursOf } from '../../services/cli/src/eval/ours.ts';
import type { Pair, PairQuestion } from '../../services/cli/src/eval/pairs.ts';
import { shippedForAll, unseenWeights } from '../../services/cli/src/eval/unseen-weights.ts';

/** An id of each fold in turn. */
const idOf = (index: number): string => `00000${index % FOLDS}${index}`;

function question(index: number, changes: Partial<PairQuestion> = {}): PairQuestion {
  const [one, other] = [index + 2, Math.floor(draw(0.3, index) * 90) + 10];
  const isRight = draw(0.7, index) < 0.5;
  return {
    id: idOf(index),
    prompt: `Tom has ${one} apples and buys ${other} more apples at the shop. How many apples does he have now?`,
    domain: index % 2 === 0 ? 'sums' : 'apples',
    weak: Number(isRight),
    strong: 1,
    weakUsd: 1,
    strongUsd: 10,
    answer: `He has ${one} + ${other} = ${isRight ? one + other : one + other + 7} apples.\n#### ${one + other}`,
    others: [],
    ...changes,
  };
}

const questions = Array.from({ length: 60 }, (_, index) => question(index));

/** The same questions, on one of which everything has come out otherwise. */
const flipped = (at: number): PairQuestion[] => questions.with(at, { ...questions[at]!, weak: 1 - questions[at]!.weak });

const pairOf = (all: PairQuestion[]): Pair => ({
  name: 'Sums',
  weakModel: 'small',
  strongModel: 'large',
  otherModels: [],
  questions: all,
  singles: [],
});

test('an id of each fold is what these tests take it for', () => {
  expect([0, 1, 2, 3, 4, 5].map((index) => foldOf(idOf(index)))).toEqual([0, 1, 2, 3, 4, 0]);
});

test('weights that are trained for a question have learnt nothing of it', () => {
  const learnt = (all: PairQuestion[]) => {
    const answers = all.map(({ id, prompt, answer, weak }): LabelledAnswer => ({ id, prompt, answer: answer!, right: weak }));
    const gains = all.map(({ id, prompt, domain: subject, weak, strong }): GainRow => ({
      id,
      set: 'sums',
      features: promptFeatures(prompt),
      subject,
      gain: strong - weak,
      weight: 1,
      pair: { weak, strong },
    }));
    const weights = unseenWeights(answers, gains, () => undefined);
    return (at: number) => JSON.stringify([weights.classifier(all[at]!), weights.scorer(all[at]!)]);
  };
  const [before, after] = [learnt(questions), learnt(flipped(7))];
  expect(after(7)).toBe(before(7));
  // Of its fold, and of another one.
  expect(after(12)).toBe(before(12));
  expect(after(8)).not.toBe(before(8));
});

test('the table of subjects says of a question what the others have come to', () => {
  const table = (all: PairQuestion[]): number[] => baselinesOf(pairOf(all)).find(({ name }) => name.startsWith('table'))!.scores;
  const [before, after] = [table(questions), table(flipped(7))];
  expect(after[7]).toBe(before[7]);
  expect(after[9]).not.toBe(before[9]);
});

test('labels calibrate the scorer for the questions of other folds alone', () => {
  // Of the first fold alone some answers are right: without it there is nothing to be learnt.
  const all = questions.map((one) => ({ ...one, weak: foldOf(one.id) === 0 ? one.weak : 0 }));
  const scores = (name: string): number[] => oursOf(pairOf(all), shippedForAll).find((router) => router.name === name)!.scores;
  const [shipped, calibrated] = [scores('scorer'), scores('scorer, 400 labels')];
  const moved = all.map(({ id }, at) => ({ fold: foldOf(id), moved: calibrated[at] !== shipped[at] }));
  expect(moved.filter((one) => one.moved === (one.fold === 0))).toEqual([]);
});
