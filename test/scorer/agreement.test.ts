import { draw } from '@upshift/routing';
import { expect, test } from 'vitest';

import { byFinal, logOddsAmong } from '../../packages/routing/src/scorer/agreement.ts';
import { fitAgreement } from '../../packages/routing/src/training/fit-agreement.ts';

const answer = (final: string | null, right = 0, steps: string[] = [], score = 0) => ({
  final,
  steps: new Set(steps),
  score,
  right,
});

test('answers stand together by what they come to, and who comes to nothing stands alone', () => {
  const all = ['7', null, '8', '7', null].map((final) => answer(final));
  expect(byFinal(all).map((same) => same.length)).toEqual([2, 1, 1, 1]);
});

test('without any evidence the chances of all final answers, and of none, are the same', () => {
  const nothing = { answer: 0, score: 0, same: 0, ahead: 0 };
  expect(logOddsAmong([answer('7'), answer('8'), answer('9')], nothing)).toBeCloseTo(Math.log(1 / 3), 10);
});

/** Questions with two answers each: those that agree are right in nine of ten, of those that differ who goes further in eight of ten. */
const questions = Array.from({ length: 600 }, (_, index) => {
  const isLucky = (chance: number): number => Number(draw(0.3, index) < chance);
  if (index % 2 === 0) return [answer('7', isLucky(0.9)), answer('7', isLucky(0.9))];
  const further = isLucky(0.8);
  return [answer('7', further, ['3', '4']), answer('3', 1 - further, ['4'])];
});

test('what is fitted gives the chances of the questions that it was fitted to, and the same for the same questions', () => {
  const agreement = fitAgreement(questions);
  const chance = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds));
  expect(chance(logOddsAmong(questions[0]!, agreement))).toBeCloseTo(0.9, 1);
  expect(chance(logOddsAmong(questions[1]!, agreement))).toBeCloseTo(0.8, 1);
  // A little is left for none of both.
  expect(chance(logOddsAmong(questions[1]!.toReversed(), agreement))).toBeCloseTo(0.15, 1);
  expect(fitAgreement(questions)).toEqual(agreement);
});
