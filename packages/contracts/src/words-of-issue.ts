import type { z } from 'zod';

/** What is expected, and what was received instead. */
const kinds: Partial<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const bounds: Partial<Record<string, string>> = { '>': 'more than', '>=': 'at least', '<': 'less than', '<=': 'at most' };

/** What is wrong: the words of the schema, or what would be right where it has none of its own and zod's would be told. */
export function wordsOf(issue: z.core.$ZodIssue): string {
  const { message } = issue;
  if (issue.code === 'invalid_key' && message === 'Invalid key in record') return issue.issues.map(wordsOf).join('; ');
  if (issue.code === 'invalid_union' && message === 'Invalid input') return wordsOfUnion(issue.errors);
  return message
    .replace(/^Invalid input: expected (\w+), received (\w+)$/, (_, expected: string, received: string) =>
      typeWords(expected, received),
    )
    .replace(/^Invalid input: expected /, 'must be ')
    .replace(
      /^Invalid option: expected one of (.*)$/s,
      (_, values: string) => `must be one of ${values.replaceAll('"|"', '", "')}`,
    )
    .replace(
      /^Invalid discriminator value\. Expected (.*)$/,
      (_, values: string) => `must be one of ${values.replaceAll("'", '"').replaceAll(' | ', ', ')}`,
    )
    .replace(/^Too small: expected \w+ to have >=1 \w+$/, 'must not be empty')
    .replace(
      /^Too (?:big|small): expected \w+ to (be|have) ([<>]=?)/,
      (_, verb, bound: string) => `must ${verb} ${bounds[bound]} `,
    )
    .replace(/^Invalid string: /, '')
    .replace(/^Invalid ISO date$/, 'must be a day, as in 2026-01-31')
    .replace(/^Invalid URL$/, 'must be a URL, as in https://example.com');
}

function typeWords(expected: string, received: string): string {
  const right = kinds[expected] ?? expected;
  if (received === 'undefined') return `is missing; must be ${right}`;
  // Of 1.5 zod says that an int was expected and a number received, of what is no number at all that it is NaN.
  const isTold = received === 'NaN' || (expected === 'int' && received === 'number');
  return `must be ${right}${isTold ? '' : `, not ${kinds[received] ?? received}`}`;
}

/** Of what is not there, or of no kind that an option has: which kinds there are. */
function wordsOfUnion(options: z.core.$ZodIssue[][]): string {
  const words = options.flatMap(([first]) => (first ? wordsOf(first) : []));
  const right = words.map((one) => one.replace(/^(is missing; )?must be |, not .*$/g, ''));
  const isMissing = words.some((one) => one.startsWith('is missing; '));
  return `${isMissing ? 'is missing; ' : ''}must be ${[...new Set(right)].join(' or ')}`;
}

/** What a schema has found wrong, each where it is, and nothing of the length of what is no text or list at all. */
export function issuesOf(error: z.core.$ZodError): z.core.$ZodIssue[] {
  const issues = error.issues.map(innermost);
  const ofWrongKind = new Set(issues.flatMap(({ code, path }) => (code === 'invalid_type' ? [JSON.stringify(path)] : [])));
  return issues.filter(({ code, path }) => code === 'invalid_type' || !ofWrongKind.has(JSON.stringify(path)));
}

/** Of what fits no option of a union: what is wrong within the one that it is of the kind of, if there is one. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue;
  const within = issue.errors.flatMap(([first]) => first ?? []).find(({ path }) => path.length > 0);
  return within === undefined ? issue : innermost({ ...within, path: [...issue.path, ...within.path] });
}
