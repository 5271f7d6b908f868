import type { Check } from '@upshift/contracts';
import { loadParsers, runPlainChecks, subjectOf, verdictOf } from '@upshift/routing';
import { beforeAll, describe, expect, test } from 'vitest';

import { answerOf } from './example.ts';

beforeAll(loadParsers);

const outcomeOf = (check: Check, text: string, prompt = '') => runPlainChecks([check], subjectOf(prompt, answerOf(text)))[0]!;

/** Each case: the prompt, the answer, and what is said of it; nothing is said where the answer passes. */
type Case = [prompt: string, answer: string, problem: string | null];

function expectEach(check: Check, cases: Case[]): void {
  test.each(cases)(`${check.type} of %j → %j: %s`, (prompt, answer, problem) => {
    const { passed, reason } = outcomeOf(check, answer, prompt);
    expect([passed, passed ? null : reason]).toEqual([problem === null, problem]);
  });
}

describe('calculations that do not add up are found', () => {
  expectEach({ type: 'arithmetic' }, [
    ['', 'He makes 12 * 5 = 60 loaves.', null],
    ['', 'He makes 12 * 5 = 65 loaves, and 2 + 2 = 4.', '12 * 5 = 65 does not add up (60)'],
    ['', 'No numbers here.', null],
    // By a digit in the middle of a large number: less than what rounding may change.
    ['', 'It costs 490 * 194 = 94,660 dollars.', '490 * 194 = 94,660 does not add up (95060)'],
    ['', 'That makes 123456789 * 987654321 + 55556 = 121932631112690825.', null],
    ['', 'Each gets 200 / 3 = 66.7, and 66.7 * 3 = 200 is all.', null],
    ['', 'Solve 2y + 3 = 7. Then 5 - 2n = 1, 450 + 60/r - 3 = 7 and 3 + 2 = 5x, so x is 1.', null],
    ['', 'Of H2O there are 162 / 18 = 8 mol.', '162 / 18 = 8 does not add up (9)'],
    ['', 'See that 10^2 + 5 = 105, 10 ^ 2 + 5 = 105, √16 + 3 = 7, 2^{3} + 1 = 9 and x_1 + 2 = 7.', null],
    ['', 'sqrt(9 + 7) = 4 and f(2 + 3) = 11.', null],
    ['', '1/2 + 1/4 = 3/4, 2 * 10 = 4 * 5 = 20, 12 mm * 3 = 40 mm - 4 mm = 36 mm.', null],
    ['', '$2 \\times 3 + 4 = 2 \\cdot 5 = 10$', null],
    ['', '$2 \\times 3 + 4 = 11$', '2 * 3 + 4 = 11 does not add up (10)'],
    ['', 'He needs 5kg + 3kg = 9kg.', '5 + 3 = 9 does not add up (8)'],
    ['', 'It takes 2 hours + 10 hours = 13 hours.', '2 + 10 = 13 does not add up (12)'],
    ['', '2,5 h × 4 = 10 h, 1 kg + 500 g = 1.5 kg, 2 hours + 30 minutes = 150 minutes, $3 + 50 cents = $3.50', null],
    ['', '€5 + €6 = €12, and 2 + 2 = **4**', '5 + 6 = 12 does not add up (11)'],
    // A letter may be a variable.
    ['', '6s - 4 = 116, 2L + 8 = 22, 10g - 5g = 5g and 118 + 36 = 8x - x', null],
    ['', 'Of the 5-star rows 40 / 5 = 8 are left, each at 40.00 * .25 = 10.00, or $.5 * 4 = 2.', null],
    ['', 'The 5-star rows are 40 / 5 = 9.', '40 / 5 = 9 does not add up (8)'],
    ['', '41 * 100 = 14 \\times x, 2 + 3 = 1/f, 5 + 6 = 12 - \\mu', null],
    ['', "25 ÷ 3 = 8 remainder 1, 9 + 4 = 1 (mod 12), 11 + 3 = 2 o'clock, 8 + 8 = 4 PM", null],
    ['', '350 000 * 0.05 = 17 500, 3 1/2 + 1/2 = 4, 100 - 20% = 80, 2/3 = 0.66', null],
    ['', 'A1 + B1 = 5, CO2 + 4 = 7', null],
    ['', '1.200 € + 800 € = 2.000 €, 2 * 1.250.000 = 2.500.000', null],
    ['', '1.200 € + 800 € = 2.100 €', '1.200 + 800 = 2.100 does not add up (801.2)'],
    ['', '100 - 20% = 70', '100 - 20% = 70 does not add up (99.8)'],
    ['', '2 + 2 = 5/day', '2 + 2 = 5 does not add up (4)'],
    ['', '6 * 2 = 4 * 4 = 15', '4 * 4 = 15 does not add up (16)'],
    ['', '23:00 + 3 h = 02:00, 45 + 30 = 1:15, (6 am - 10 pm = 8 hours), July 19th - December 31st = 200 days', null],
    ['', 'At 12:30 he has 5 + 3 = 9.', '5 + 3 = 9 does not add up (8)'],
    ['', '8 * 1024 = 8 KB, 4 * 250 g = 1 kg, 700 × 5 cents = $35, 1/8 m = 12.5 cm, 6 feet + 2 inches = 6 feet 2 inches', null],
    ['', 'It takes 3 * 20 = 65 minutes.', '3 * 20 = 65 does not add up (60)'],
    ['', '2 million * 3 = 6,000,000, 500 * 2,000 = 1 million, 1/2 dozen = 6, 20% of 50 + 5 = 15, 50 + 20 % = 60', null],
    ['', 'So c = 0 or c - 36 = 0, M + 20 = 80 and A + 45 = 80, (2/5)x = 12.8, 24 - 2xy = 36, 5 * 3 / 2 pi = 2.39', null],
    ['', 'Of 3 non-empty sets 10/5 = 2, of 18 two-month periods (36 / 2 = 18), so 16 half-gallon jars are 16 * $3 = $48', null],
    ['', '50 people (day 1) + 20 people = 70 people, and 70 people (day 2) * 2 = 140', null],
    ['', '$100 (Ann) + $125 (Bob) = $235', '100 + 125 = 235 does not add up (225)'],
    ['', '(6 + 3 - 1) choose (3 - 1) = 8 choose 2, 0x10 + 1 = 17, 10 + 5 = 0xF, 50/3 = 16(2/3)', null],
    ['', "1’200 + 800 = 2’000, 1'200 + 800 = 2'000, 1\u202f200 - 200 = 1\u202f000", null],
    ['', '₹500 + ₹300 = ₹900', '500 + 300 = 900 does not add up (800)'],
  ]);
  test('the score is the share that holds', () => {
    expect(outcomeOf({ type: 'arithmetic' }, '12 * 5 = 65, and 2 + 2 = 4.').score).toBe(0.5);
  });
});

describe('an answer that comes to nothing is found', () => {
  const options = 'Which is a metal?\nA. iron\nB. oxygen\nC. neon';
  expectEach({ type: 'extractable' }, [
    ['', 'The answer is 5.', null],
    [options, 'Neon is a gas, oxygen too. The answer is (A).', null],
    [options, 'iron', null],
    ['', 'I would have to think about this question for a good while longer.', 'what it comes to can not be told'],
  ]);
});

describe('an answer that breaks off is found', () => {
  expectEach({ type: 'finished' }, [
    ['', 'All is said.', null],
    ['', '```js\nconst a = 1;\n```', null],
    ['', '~~~js\nconst a = 1;\n~~~', null],
    ['', '~~~js\nconst a = 1;', 'a block of code is not closed'],
    ['', '````md\n```js\nconst a = 1;\n````', null],
    ['', '1. Write it:\n2. ```js\n   const a = 1;\n   ```\n3. Done.', null],
    ['', '```a``` is the start.', null],
    ['', 'Paris', null],
    ['', 'So we add the', 'breaks off after “the”'],
    ['', 'Then 3 * 4 =', 'breaks off after “=”'],
    ['', '```js\nconst a = 1;', 'a block of code is not closed'],
    ['', 'The answer is **42**', null],
    ['', '*42*', null],
    ['', '**Answer: Paris**', null],
    ['', 'It is written in C++', null],
    ['', 'All is said.\n\n---', null],
    ['', 'The answer is A', null],
    ['', 'Then **3** times 3 *', 'breaks off after “*”'],
    ['', 'Then 3 +', 'breaks off after “+”'],
    ['', 'Then 3 + 4*', 'breaks off after “*”'],
    ['', '**Answer:**', 'breaks off after “:”'],
    ['', 'So we add the\n---', 'breaks off after “the”'],
    ['', '{"name": "Ada", "age"', 'the brackets at its beginning are not closed'],
    ['', '[Paris](https://example.com) is the capital of France.', null],
    ['', '[1] Smith wrote it.\n[2] Doe read it.', null],
    ['', '{name}, welcome!', null],
    ['', 'We have sent it back to you today.\n\nBest regards,', null],
    ['', 'We will be in touch soon\n\nRegards,', null],
    ['', 'Dear Ms. Jones,', null],
    ['', 'Dear Ms. Jones, we have sent the parcel,', 'breaks off after “,”'],
    ['', 'Schalten Sie das Gerät einfach an', null],
    ['', '首先，我们把两个数相加，', 'breaks off after “，”'],
    ['', 'He said “yes”,', 'breaks off after “,”'],
    ['', '[1, 2, 3', 'the brackets at its beginning are not closed'],
    ['', '[x] done\n[ ] open', null],
    ...['of', 'Log in', 'https://example.com/', 'aGVsbG8=', '*/5 * * * *', 'Of the type AB-', 'Na+ and Cl-', 'So sad :('].map(
      (text): Case => ['', text, null],
    ),
  ]);
});

describe('an answer that does not stand by what it says is found', () => {
  expectEach({ type: 'unhedged' }, [
    ['', 'It is Paris.', null],
    ['', 'It takes about two hours.', null],
    ['', 'As an AI language model I have no opinion.', 'speaks of itself as an AI: “As an AI”'],
    ['', 'I’m afraid there is not enough information.', 'says that information is missing: “not enough information”'],
    ['', 'We store no data, and no information is shared.', null],
    ['', 'The mail has no information on it.', 'says that information is missing: “has no information”'],
    ['', "I'm not sure, but it may be 5.", "says that it is not sure: “I'm not sure”"],
    ['', 'I’m not sure, but it may be 5.', "says that it is not sure: “I'm not sure”"],
    ['', 'I don’t know.', "says that it does not know: “I don't know”"],
    ['', 'It can’t be\ndetermined.', "says that it can not be told: “can't be determined”"],
    ['', 'I\u00a0cannot answer this.', 'says that it can not: “I cannot answer”'],
  ]);
});

describe('an answer that contradicts itself is found', () => {
  expectEach({ type: 'consistent' }, [
    ['', 'The answer is 5. So the final answer is 5.', null],
    ['', 'The answer is 1,200.\n#### 1200', null],
    ['', 'The answer is 5. Wait. The answer is 6.', 'its answer is once 5 and once 6'],
    ['', 'Yes. It does not hold for 3, so no.', 'says yes first and no at the end'],
    ['', 'No, it does not.', null],
    ['', 'The answer is a whole number. The answer is 5.', null],
    ['', 'Answer: A square has four sides.\nFinal answer: 4', null],
    ['', 'The answer is n = 5. The answer is 5.', null],
    ['', 'The answer is b.\nFinal answer: B', null],
    ['', 'The answer is (a). Wait.\n**Answer: B**', 'its answer is once A and once B'],
    ['', 'The answer is A because it is round.\nAnswer: B', 'its answer is once A and once B'],
    ['', 'Yes, it works, so no further action is needed.', null],
    ['', 'Yes, it works.\nAnswer: **no**', 'says yes first and no at the end'],
    ['', '12 * 5 = 60 loaves. Later 12 * 5 = 70 loaves.', '12*5 is once 60 and once 70'],
    ['', 'Q1: Answer: B\nQ2: Answer: C', null],
    ['', 'We get (a) \\boxed{5} and (b) \\boxed{7}', null],
    ['', '**Question 1**\nAnswer: 5\n\n**Question 2**\nAnswer: 7', null],
    ['', '### Part A\nThe answer is 5.\n### Part B\nThe answer is 7.', null],
    ['', '**Q: What is 2 + 2?**\n**Answer:** 4\n\n**Q: What is 3 + 3?**\n**Answer:** 6', null],
    ['', 'Part of it is done. The answer is 5.\nPart two follows. The answer is 7.', 'its answer is once 5 and once 7'],
    ['', 'The answer is 3.14159, so the answer is 3.14.', null],
    ['', '#### 1. Overview\nAll of it.\n#### 2. Details\nThe answer is 7.', null],
    ['', 'No worries! The answer is yes.', null],
    ['', '1. What is 2 + 2?\n   Answer: 4\n2. And 3 + 3?\n   Answer: 6', null],
    ['', '1. It is 2 + 2.\n2. The answer is 4. #### 5', null],
    ['', '1. It is 2 + 2.\n2. The answer is 4.\n#### 5', 'its answer is once 4 and once 5'],
    ['', 'The answer is 6 × 7 = 42. **Answer: 42**', null],
    ['', 'The answer is 3/4, so the answer is 0.75, that is, the answer is 75%.', null],
    ['', 'The answer is 1.5 million. Answer: 1,500,000', null],
  ]);
});

test('contradictions of a long answer to a prompt of many options are looked for in no time', () => {
  const prompt = 'Pick one.\n' + 'A. x\nB. y\n'.repeat(50_000);
  const text = Array.from({ length: 2000 }, (_, index) => `answer: ${index} `).join('\n');
  expect(outcomeOf({ type: 'consistent' }, text, prompt).passed).toBe(false);
  const dots = `Which is right?\nA) ${'. '.repeat(50_000)}x\nB) Rome`;
  for (const line of ['', '-', '|'])
    expect(outcomeOf({ type: 'consistent' }, `Answer: 5\nAnswer: 7\n${`${line}\n`.repeat(50_000)}`, dots).passed).toBe(false);
});

describe('numbers and names that are not in the source are found', () => {
  const source = 'Extract the name, the date and the sum: On 3 May 2024 Ada Lovelace paid Northwind 1,250.00 for two lamps.';
  expectEach({ type: 'grounded' }, [
    [source, '{"name": "Ada Lovelace", "date": "2024-05-03", "sum": 1250}', null],
    [source, '{"name": "Ada Byron", "sum": 1350}', 'not in the source: 1350, Byron'],
    [source, 'The customer paid Northwind for two lamps.', null],
    [source, 'The customer paid Southwind for two lamps.', 'not in the source: Southwind'],
    [source, 'Nothing was bought.', null],
    ['Anna Smith called on 3 May.', "The caller is Anna Smith's assistant, or he said I'm in Smith’s office", null],
    ['name: Jose\u0301', 'the man Jos\u00e9', null],
    ['Der Hund lief über die Straße und bellte, und er ist nicht der von mir.', 'Ein Tier, der Hund, lief im Bellen', null],
    ['Twenty people, a hundred and five dogs and two thousand cats came.', 'Of 20 people, 105 dogs and 2,000 cats', null],
    ['Twenty people came.', 'There were 21 people.', 'not in the source: 21'],
    ['It earned 1.1 million euros.', 'It earned 1,100,000 euros.', null],
    ['It earned 12,500,000 euros.', 'It earned 12.5 million euros.', null],
    ['It earned 12,500,000 euros.', 'It earned 13.5 million euros.', 'not in the source: 13.5'],
    ['It cost 10 000 euros.', 'It cost 10,000 euros.', null],
    ['Summe 1.299,50 EUR, davon 12,5 % Rabatt, Porto 1 050,00 EUR', '{"sum": 1299.50, "discount": 12.5, "postage": 1050}', null],
    ['Summe 1.299,50 EUR', '{"sum": 1399.50}', 'not in the source: 1399.50'],
    ['It raised $12.5M of €3bn for 40k users.', 'It raised 12,500,000 of 3,000,000,000 for 40000 users.', null],
    ['It raised 12,500,000.', 'It raised $12.5M.', null],
    ['Call (555) 123-4567.', '{"phone": "5551234567"}', null],
    ['Call (555) 123-4567.', '{"phone": "5551234568"}', 'not in the source: 5551234568'],
    ['We met on 2025-01-15 and 3 Feb.', 'They met on January 15, 2025 and on February 3.', null],
    ['We met on 2025-01-15.', 'They met on March 15, 2025.', 'not in the source: March'],
  ]);
});

describe('code that does not parse is found', () => {
  const fenced = (tag: string, code: string): string => `Here:\n\n\`\`\`${tag}\n${code}\n\`\`\`\nDone.`;
  test.each<[string | undefined, string]>([
    [undefined, fenced('js', 'const a = () => { return 1; };')],
    [undefined, fenced('ts', 'type A<T> = { a: T };\nexport const f = (x: A<number>): number => x.a;')],
    [undefined, fenced('tsx', 'export const A = (p: { a: string }) => <p>{p.a}</p>;')],
    [undefined, fenced('json', '{"a": [1, 2]}')],
    [undefined, fenced('sql', 'SELECT a, count(*) FROM `t` WHERE b = ? GROUP BY a; DELETE FROM t;')],
    [undefined, fenced('python', 'def f(: this is not read')],
    [undefined, 'no code at all'],
    [
      undefined,
      fenced(
        'ts',
        '@Component({ selector: "a" })\nexport class A {\n  @Input() b = 1;\n  constructor(@Inject(C) private c: C) {}\n}',
      ),
    ],
    [undefined, fenced('tsx', '@observer\nclass A extends B {\n  render() {\n    return <p />;\n  }\n}')],
    [undefined, fenced('js', '@dec\nexport class A {\n  @bound f() {}\n}\nexport default @dec class {}')],
    [undefined, fenced('mysql', 'INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE b = 2;')],
    [undefined, fenced('sqlite', 'INSERT OR REPLACE INTO a VALUES (1);')],
    ['sql', fenced('mysql', 'SELECT `a` FROM t;')],
    ['sql', '````md\n```\n?\n```\n````\n' + fenced('sql', 'SELECT 1')],
    ['sql', '1. ```sql\n   SELECT 1;\n   ```\n2. That is all.\n3. ```sql\n   SELECT 2;\n   ```'],
    ['sql', '~~~sql\r\nSELECT 1;\r\n~~~'],
    ['sql', 'SELECT a FROM t WHERE id = :id AND b>:b_1 AND c IN (%s, %(name)s);'],
    ['sql', "SELECT a::int FROM t WHERE b ? 'key' AND 5 %s = 1 AND d[1:n] IS NULL;"],
    ['typescript', 'return await load<string>(1);'],
    ['sql', 'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT);'],
  ])('%s %j parses', (language, text) => {
    expect(outcomeOf({ type: 'code', language } as Check, text)).toMatchObject({ passed: true, gate: true });
  });
  test('SQL of a long run of signs is not parsed, which would take seconds', () => {
    for (const run of ['/*', '*/', '+-', '/**/']) {
      const began = performance.now();
      const { passed, reason } = outcomeOf({ type: 'code', language: 'sql' }, `SELECT ${run.repeat(50_000)}`);
      expect([passed, reason]).toEqual([true, 'SQL with more signs in a row than are parsed']);
      expect(performance.now() - began).toBeLessThan(1000);
    }
    expect(outcomeOf({ type: 'code', language: 'sql' }, `SELECT /*${'*'.repeat(300)}*/ FROM WHERE`).passed).toBe(false);
  });
  test.each<[string | undefined, string, RegExp]>([
    [undefined, fenced('js', 'const a = () => { return 1;'), /^javascript does not parse: Unexpected token/],
    [undefined, fenced('ts', 'type A = ;'), /^typescript does not parse/],
    [undefined, fenced('json', '{"a": [1, 2}'), /^json does not parse: not JSON/],
    [undefined, fenced('sql', 'SELECT FROM WHERE'), /^sql does not parse: syntax error at or near "WHERE"/],
    ['sql', fenced('mysql', 'SELECT FROM WHERE'), /^sql does not parse/],
    ['sql', 'Here is no query', /^sql does not parse/],
    [undefined, fenced(' js', 'const = 1;'), /^javascript does not parse/],
    [undefined, '~~~js\nconst = 1;\n~~~', /^javascript does not parse/],
    ['sql', fenced('js', '1'), /^there is no sql/],
    ['javascript', '('.repeat(100_000), /^javascript does not parse/],
    ['sql', `SELECT ${'1+'.repeat(90_000)}1`, /^sql does not parse/],
    ['json', ' '.repeat(300_000), /^there is no json|more than is parsed/],
  ])('%s %j does not', (language, text, reason) => {
    const outcome = outcomeOf({ type: 'code', language } as Check, text);
    expect(outcome.passed).toBe(false);
    expect(outcome.reason).toMatch(reason);
  });
});

test('a sign counts only where it finds something, and as a gate it must pass', () => {
  const of = (check: Check, text: string) =>
    verdictOf(runPlainChecks([{ type: 'length', max_words: 1 }, check], subjectOf('', answerOf(text))));
  expect(of({ type: 'arithmetic' }, '2 + 2 = 4').score).toBe(0);
  expect(of({ type: 'arithmetic' }, '2+2=5').score).toBe(0.5);
  expect(of({ type: 'arithmetic', gate: true }, '2+2=5').passed).toBe(false);
  expect(of({ type: 'arithmetic', gate: true }, '2+2=4').passed).toBe(true);
});

test('signs are looked for in texts of any kind and length in no time', () => {
  const types = [
    'arithmetic',
    'extractable',
    'finished',
    'unhedged',
    'consistent',
    'language',
    'asked_format',
    'grounded',
    'code',
  ] as const;
  for (const part of [
    'a ',
    '1 + ',
    '```',
    'answer is ',
    '{"a": "',
    'Ab ',
    '| ',
    'Return ',
    '- x\n',
    '1,000',
    '\n',
    'in ',
    '*',
    '*a',
    '2y',
    'in German ',
    '9',
    '9(',
    '9 (ab',
  ]) {
    const text = part.repeat(30_000);
    for (const type of types) expect(outcomeOf({ type }, text, text).score).toBeGreaterThanOrEqual(0);
  }
});

test('a long ruler, and an answer that names its end again and again, are read in no time', () => {
  for (const text of ['='.repeat(300_000), 'answer is '.repeat(60_000), 'answer '.repeat(60_000)])
    for (const type of ['arithmetic', 'consistent', 'extractable'] as const) {
      const began = performance.now();
      expect(outcomeOf({ type }, text).score).toBeGreaterThanOrEqual(0);
      expect(performance.now() - began).toBeLessThan(1000);
    }
});

test('of an answer that goes on without end not every name is looked for in a source as long as a book', () => {
  const source = 'the quick brown fox jumps over it. '.repeat(30_000);
  const nameOf = (index: number): string => 'B' + String(index).replaceAll(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)]!);
  const names = Array.from({ length: 20_000 }, (_, index) => `a ${nameOf(index)}`).join(' ');
  const began = performance.now();
  expect(outcomeOf({ type: 'grounded' }, names, source).passed).toBe(false);
  expect(performance.now() - began).toBeLessThan(1500);
});

test('the tag of a block that is not closed is read once, however long it is', () => {
  const text = `\`\`\`${'a'.repeat(100_000)}\n${'b'.repeat(100_000)}`;
  const began = performance.now();
  expect(outcomeOf({ type: 'code' }, text).passed).toBe(true);
  expect(performance.now() - began).toBeLessThan(1000);
});

test('empty lines are passed over once each, however many there are', () => {
  const text = '\n'.repeat(200_000);
  for (const prompt of ['Summarize this.', 'Answer with a bulleted list.', 'Make a table.'])
    for (const type of ['grounded', 'asked_format'] as const)
      expect(outcomeOf({ type }, text, prompt).score).toBeGreaterThanOrEqual(0);
});
