import { scoreAnswer } from '@upshift/routing';
import { expect, test } from 'vitest';

import { equationsOf } from '../../packages/routing/src/scorer/arithmetic.ts';
import { denseNames, factsOfAnswer } from '../../packages/routing/src/scorer/features.ts';
import { quantitiesOf } from '../../packages/routing/src/scorer/quantities.ts';
import { finalAnswerOf } from '../../packages/routing/src/scorer/extract-answer.ts';

const prompt = 'A baker makes 12 loaves an hour and works 5 hours. He sells each loaf for $3. How much does he earn?';
const right = 'He makes 12 * 5 = 60 loaves. He earns 60 * $3 = $180.\nThe answer is 180.';

test.each([
  ['so far so good\n#### 1,200', '1200', 'number'],
  ['Hence \\boxed{\\frac{1}{2}} follows', '0.5', 'number'],
  ['The answer is (B).', 'B', 'letter'],
  ['{"reasoning": "3 + 4", "answer": "7"}', '7', 'number'],
  ['Paris', 'paris', 'text'],
  ['First 3 apples, then 9 more, which makes twelve pieces of fruit: 12 in all', '12', 'number'],
])('what %j comes to is %s', (text, value, kind) => {
  expect(finalAnswerOf(text)).toMatchObject({ value, kind });
});

test.each([
  ['A. iron\nB. oxygen', 'A'],
  ['A) iron\nB) oxygen', 'A'],
  ['(A) iron\n(B) oxygen', 'A'],
  ['Options are:\n(A): iron\n(B): oxygen', 'A'],
  ['- **A.** iron\n- **B.** oxygen', 'A'],
  ['Which is a gas?\nA. neon\nB. iron\nAnswer: A\n\nWhich is a metal?\nA. neon\nB. iron', 'B'],
  ['A. Smith\nand others said iron', null],
])('what is chosen of %j is %s', (options, letter) => {
  const final = finalAnswerOf('It conducts, so the answer is iron.', `Which is a metal?\n${options}`);
  expect(final?.kind === 'letter' ? final.value : null).toBe(letter);
});

test('an answer without a word and without a number comes to nothing', () => {
  expect(finalAnswerOf('')).toBeNull();
  expect(finalAnswerOf('I am sorry, but this is beyond what can be said about the matter at hand.')).toBeNull();
});

test('calculations are read with their units, and rounding is no mistake', () => {
  const read = equationsOf('3 sprints * 60 meters = 180 meters. (12 / 20) x 100 = 55%. 1,000 ÷ 3 = 333.33 and 20% * 50 = 10');
  expect(read.map(({ stated, holds }) => [stated, holds])).toEqual([
    [180, true],
    [55, false],
    [333.33, true],
    [10, true],
  ]);
});

test('a text of nothing but signs is read in no time', () => {
  for (const part of ['1 a b c ', '((((1 + ', '= = =', 'answer is ', '\\boxed{', '1,000'])
    expect(scoreAnswer(part.repeat(20_000), part.repeat(20_000)).score).toBeGreaterThanOrEqual(0);
});

test('an answer that adds up is better than one that does not, and the mistake is named', () => {
  const wrong = right.replace('60 * $3 = $180', '60 * $3 = $150').replace('is 180', 'is 150');
  expect(scoreAnswer(prompt, right).score).toBeGreaterThan(scoreAnswer(prompt, wrong).score);
  expect(scoreAnswer(prompt, wrong).checks.find(({ type }) => type === 'arithmetic')).toMatchObject({
    passed: false,
    reason: '60 * 3 = 150 does not add up (180)',
  });
});

test('others that agree speak for an answer, others that differ against it', () => {
  const alone = scoreAnswer(prompt, right).score;
  expect(scoreAnswer(prompt, right, ['#### 180']).score).toBeGreaterThan(alone);
  expect(scoreAnswer(prompt, right, ['#### 90']).score).toBeLessThan(alone);
  expect(scoreAnswer(prompt, right, ['#### 180', '#### 90']).checks.find(({ type }) => type === 'agreement')).toMatchObject({
    reason: '1 of 2 other answers come to the same',
  });
});

test('two others that agree with each other speak against an answer more than two that do not', () => {
  const rival = 'He makes 12 + 5 = 17 loaves. He earns 17 * 3 = $51.\nThe answer is 51.';
  const third = 'He makes 12 - 5 = 7 loaves. He earns 7 * 3 = $21.\nThe answer is 21.';
  expect(scoreAnswer(prompt, right, [rival, rival]).score).toBeLessThan(scoreAnswer(prompt, right, [rival, third]).score);
});

test('an other that goes further speaks against an answer more than one that stops halfway', () => {
  const [steps, halfway] = ['He makes 12 * 5 = 60 loaves.', 'The answer is 60.'];
  const further = `${steps} He earns 60 * 3 = $180.\nThe answer is 180.`;
  const differing = (answer: string, other: string): number => scoreAnswer(prompt, answer, [other]).score;
  expect(differing(`${steps} ${halfway}`, further)).toBeLessThan(differing(further, `${steps} ${halfway}`));
});

test.each([
  ['Two of 30 boys had half of the dozen eggs', [[2], [30], [2, 0.5, 50], [12]]],
  ['1,200 at 20%', [[1200], [20, 0.2, 0.8, 1.2, 80, 120]]],
  ['A constructor of nothing', []],
])('the quantities of %j are read', (text, quantities) => {
  expect(quantitiesOf(text)).toEqual(quantities);
});

test('a calculation that uses a number twice, leaves one out, or takes one from nowhere is seen', () => {
  const seen = (answer: string) => {
    const { dense } = factsOfAnswer(prompt, answer);
    return ['strange_operands', 'reused_operands', 'unused_operands'].map((name) => dense[denseNames.indexOf(name)]! > 0);
  };
  expect(seen(right)).toEqual([false, false, false]);
  expect(seen('He makes 12 * 5 = 60 loaves, 60 * 3 = 180, less 60 is 180 - 60 = 120.')).toEqual([false, true, false]);
  expect(seen('He makes 12 * 5 = 60 loaves, 60 + 37 = 97.')).toEqual([true, false, true]);
});

test('typographic signs change nothing of what is seen', () => {
  const plain = "I'm sorry, I can't give that. Let's say it isn't provided, as no data is given: 12 * 5 = 60.";
  expect(factsOfAnswer(prompt, plain.replaceAll("'", '’')).dense).toEqual(factsOfAnswer(prompt, plain).dense);
  const end = denseNames.indexOf('open_end');
  expect(['He said “12”', '答案是12。', 'He said 12 and'].map((answer) => factsOfAnswer(prompt, answer).dense[end])).toEqual([
    0, 0, 1,
  ]);
});

test('a number of any length has a score', () => {
  const huge = '9'.repeat(400);
  for (const answer of [`#### ${huge}`, `1 * ${huge} = ${huge}`, `${huge} / ${huge} = 1`, `The answer is -${huge}`])
    expect(factsOfAnswer(`How many is ${huge}?`, answer).dense.every(Number.isFinite)).toBe(true);
});

test('every feature has its name', () => {
  expect(factsOfAnswer(prompt, right).dense).toHaveLength(denseNames.length);
});

test('a prompt of empty lines takes no longer than another', () => {
  const began = performance.now();
  for (let round = 0; round < 10; round += 1) factsOfAnswer('\n'.repeat(8000), `The answer is ${round}.`);
  expect(performance.now() - began).toBeLessThan(1000);
});
