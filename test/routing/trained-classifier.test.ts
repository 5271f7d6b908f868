import { classifierOf, guessDomain, guessTask } from '@upshift/routing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const trained = classifierOf('trained');
const signs = classifierOf('rules');
const bare = { systemPrompt: '', task: null, structured: false, tools: 0 };
const classify = (prompt: string) => trained({ ...bare, prompt });

const easy = 'Tom has 3 apples and buys 2 more apples at the shop. How many apples does he have now?';
const hard =
  'A train leaves at 7:15 at 60 mph; another leaves 45 minutes later at 80% more speed. If the first stops twice for 12 minutes each, and tickets cost $14 less a third for every second child, how much do 5 adults and 4 children pay, and when do the trains meet after 340 miles?';

describe('the trained classifier', () => {
  test('tells a sum of many steps from one of one step', () => {
    expect(classify(hard).complexity).toBeGreaterThan(classify(easy).complexity + 0.1);
    expect(classify(hard).confidence).toBeGreaterThan(0.8);
  });
  test.each([
    ['nothing', ''],
    ['blanks', ' \n\t '],
    ['one word', 'Hello'],
    ['a script that training has not seen', '请用三句话解释量子纠缠，并给出一个日常生活中的类比。'],
  ])('is not sure of %s', (_what, prompt) => {
    const { complexity, confidence } = classify(prompt);
    expect(confidence).toBeLessThan(0.5);
    expect(complexity).toBeGreaterThan(0.2);
    expect(complexity).toBeLessThan(0.7);
  });
  test.each([
    ['German', 'Wie viele Äpfel hat Tom, wenn er am Montag 3 hat und an jedem Tag der Woche 2 weitere kauft?', 0, 0.6],
    ['Spanish', '¿Cuántos kilómetros recorre un tren que viaja a 80 km/h durante 3 horas y media?', 0, 0.6],
    ['Russian', 'Напишите функцию, которая сортирует список по двум ключам и возвращает новый список.', 0, 0.5],
    ['Arabic', 'اكتب دالة بلغة بايثون تحسب المتوسط', 0, 0.5],
    ['emoji', '😀'.repeat(100), 0, 0.1],
    ['one long word', 'a'.repeat(1_000_000), 0, 0.1],
    [
      'JavaScript',
      'function f(x) { return x.map((y) => y * 2).filter(Boolean); }\nWhy does this throw for an empty list?',
      0.5,
      1,
    ],
    ['Python', 'def solve(n):\n    dp = [0] * (n + 1)\n    for i in range(n): dp[i + 1] = dp[i] + i\nFind the bug.', 0.5, 1],
    ['a very long text', 'the report says that the price of the goods is high. '.repeat(50_000), 0.5, 1],
  ])('is as sure of %s as it knows its words', (_what, prompt, least, most) => {
    const { complexity, confidence } = classify(prompt);
    expect(confidence).toBeGreaterThanOrEqual(least);
    expect(confidence).toBeLessThanOrEqual(most);
    expect(complexity).toBeGreaterThan(0.1);
    expect(complexity).toBeLessThan(0.7);
  });
  test.each([
    ['’', "'"],
    ['“', '"'],
    ['€', '$'],
    ['–', '-'],
    ['\u00a0', ' '],
  ])('reads %j as %j', (sign, typed) => {
    const prompt = `Sam doesn't like that Ann's "fast" car - the red one - costs $5 more than Tom's. What's the price if Tom's costs $20?`;
    expect(classify(prompt.replaceAll(typed, sign))).toEqual(classify(prompt));
  });
  test('gives sane values for whatever text there is, and the same each time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.lorem({ maxCount: 200 })), (prompt) => {
        const { complexity, confidence } = classify(prompt);
        expect([complexity, confidence].every((value) => value >= 0 && value <= 1)).toBe(true);
        expect(classify(prompt)).toEqual(classify(prompt));
      }),
    );
  });
  test('reads of a long prompt its beginning and its end', () => {
    const long = `${easy}\n${'x y z '.repeat(200_000)}`;
    expect(classify(long).complexity).toBeGreaterThan(0);
  });
  test('is what a configuration names, as the signs are', () => {
    expect(signs({ ...bare, prompt: hard }).reason).toContain('rates or shares');
    expect(classify(hard).reason).toMatch(/^stronger models gain on \d+ % of such prompts$/);
  });
});

test.each([
  ['Which is a metal?\nA. iron\nB. oxygen\nC. neon', 'multiple_choice'],
  ['Which is a metal?\n(A): iron\n(B): oxygen', 'multiple_choice'],
  ['Translate into French: good morning', 'translation'],
  ['Summarize this article: …', 'summarization'],
  ['Write a Python function that sorts an array.', 'code_generation'],
  ['Classify the sentiment: great!', 'classification'],
  [easy, 'word_problem'],
  ['Who was Ada Lovelace?', 'question_answering'],
  ['Good morning', null],
])('the task of %j is guessed as %s', (prompt, task) => expect(guessTask(prompt)).toBe(task));

test.each([
  ['Solve the equation 3x + 4 = 19 and draw a triangle.', 'math'],
  ['Why does this Python regex not compile?', 'code'],
  ['```\nconst a = 1;\n```\nWhat is wrong here?', 'code'],
  ['My landlord keeps the deposit after the lease has ended. Can I sue?', 'law'],
  ['Which side effects has ibuprofen for a patient with kidney disease?', 'medicine'],
  ['How do molecules of oxygen scatter light of a short wavelength?', 'science'],
  ['How does inflation affect unemployment?', 'business'],
  ['Compare what Plato and Kant say of virtue.', 'humanities'],
  ['Plan a weekend in Lisbon', null],
  ['Can a patient sue?', null],
  ['Warum ist der Himmel blau?', null],
  ['', null],
])('the domain of %j is guessed as %s', (prompt, domain) => expect(guessDomain(prompt)).toBe(domain));
