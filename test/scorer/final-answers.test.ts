import { expect, test } from 'vitest';

import { finalAnswerOf } from '../../packages/routing/src/scorer/extract-answer.ts';

const options = 'Which is the capital?\nA. Paris\nB. Rome\nC. Oslo\nD. Bern';

test.each([
  ['1/2', '0.5'],
  ['\\boxed{\\dfrac{1}{2}}', '.5'],
  ['The answer is 1 1/2.', '1.5'],
  ['−5', '-$5.00'],
  ['The answer is 1.5 × 10^6.', '1,500,000'],
  ['$1.5 \\times 10^{6}$', '1.5 million'],
  ['1\u202f200', "1'200"],
  ['\\boxed{12\\text{ cm}}', '12'],
  ['\\boxed{12^\\circ}', '12°'],
  ['1’200', '1,200'],
  ['The answer is ¥500.', '₹500'],
  ['The answer is ‘42’.', '42'],
  ['**Final Answer** – 42 km', '42'],
  ['Answer - 42', '42'],
  ['x = 5', '2 + 3 = 5'],
  ['<answer>5</answer>', 'Answer:\n\n$$5$$'],
  ['#### Step 1: Count\n12 * 4 = 48\n#### Step 2: Subtract\n48 - 6 = 42\n\nThe answer is 42.', '#### 42'],
  ['The answer is 12 apples, since 3 × 4 = 12.', '12 (3 times 4)'],
  ['Paris.', '**Paris**'],
  ['The answer is:\n\n$$\n42\n$$', 'The answer is\n\\[\n42\n\\]'],
])('%j and %j come to the same', (one, other) => {
  expect(finalAnswerOf(one)?.value).toBe(finalAnswerOf(other)?.value);
  expect(finalAnswerOf(one)).not.toBeNull();
});

test.each([
  ['1/2', '1/3'],
  ['−5', '5'],
  ['.5', '5'],
  ['1.5 × 10^6', '1.5 × 10^-6'],
  ['2.5 million', '2.5 billion'],
  ['1 200', '1 900'],
  ['2√3', '2'],
  ['1½', '1'],
  ['5²', '5'],
  ['\\boxed{2\\sqrt{3}}', '\\boxed{2}'],
  ['\\boxed{2\\pi}', '\\boxed{2}'],
  ['3:30 PM', '3:45 PM'],
  ['3 hours 30 minutes', '3 hours'],
  ['2024-05-06', '2024-11-30'],
  ['6 May 2024', '6 June 2024'],
  ['2, 3 and 5', '2 and 7'],
  ['x=5, y=3', 'x=5, y=4'],
  ['10-20', '10-30'],
  ['192.168.0.1', '192.168.0.7'],
  ['99999999999999999999999', '99999999999999999999998'],
  ['<answer>5</answer>', '<answer>7</answer>'],
  ['<answer>\n42\n</answer>', '<answer>\n17\n</answer>'],
  ['👍', '👎'],
  ['<', '>'],
  ['J. K. Rowling', 'J. R. R. Tolkien'],
  ['A Tale of Two Cities', 'A Christmas Carol'],
  ['Answer: A, C', 'Answer: A, D'],
])('%j and %j come to something else', (one, other) => {
  expect(finalAnswerOf(one)?.value).not.toBe(finalAnswerOf(other)?.value);
});

test.each([
  '**B**',
  '`B`',
  '(b)',
  'b',
  '[B]',
  '"B"',
  '‘B’',
  '**B) Rome**',
  '(B. Rome)',
  '\\boxed{\\textbf{B}}',
  '\\boxed{\\text{(B) Rome}}',
  'The answer is \\( B \\).',
  'The answer is (b).',
  'The answer is B because Rome is old.',
  'I would pick (B) because it is old.',
  'B) Rome. It has been the capital of Italy since 1871.',
  '**B) Rome**\n\nRome has been the capital since 1871.',
  '\\boxed{1871} is the year. The answer is (B).',
])('%j chooses option B', (text) => {
  expect(finalAnswerOf(text, options)).toMatchObject({ kind: 'letter', value: 'B' });
});

test.each(['The answer is A and B.', 'Answer: A, C', 'The answer is A good one.', 'The answer is A cells.'])(
  '%j chooses no option',
  (text) => {
    expect(finalAnswerOf(text, options)?.kind).not.toBe('letter');
  },
);

test.each([
  'We refund you in full. Does this answer your question?',
  'No refund this time, we are sorry. I hope this answer helps!',
])('%j comes to nothing that could be compared', (text) => {
  expect(finalAnswerOf(text)).toBeNull();
});

test('what says that there is no answer comes to nothing', () => {
  expect(finalAnswerOf('{"answer": null}')).toBeNull();
});
