import { isDeepStrictEqual } from 'node:util';

import type { JobView } from '@upshift/contracts';
import { parseJsonAnswer } from '@upshift/routing';
import { z } from 'zod';

/** How a known good answer is compared. Only the result table does this: no check, scorer or classifier sees a gold answer. */
export const matcherName = z.enum(['exact', 'number', 'json', 'contains_all', 'regex', 'vectors']);
export type MatcherName = z.infer<typeof matcherName>;

type Answer = Pick<NonNullable<JobView['result']>, 'text' | 'vectors'>;
type Matcher = (answer: Answer, gold: unknown) => boolean;

const matchers: Record<MatcherName, Matcher> = {
  exact: ({ text }, gold) => fold(text) === fold(String(gold)),
  number: ({ text }, gold) => lastNumber(text) === lastNumber(String(gold)),
  json: ({ text }, gold) => isDeepStrictEqual(parseJsonAnswer(text), gold),
  contains_all: ({ text }, gold) => Array.isArray(gold) && gold.every((part) => fold(text).includes(fold(String(part)))),
  regex: ({ text }, gold) => new RegExp(String(gold), 'i').test(text),
  vectors: ({ vectors }, gold) => vectors !== null && vectors.length === (gold as { count: number }).count,
};

export function isRight(answer: Answer | null, matcher: MatcherName, gold: unknown): boolean {
  return answer !== null && matchers[matcher](answer, gold);
}

/** What a gold answer must be, in words, where it is not that: known before a run, and not when all of it is paid for. */
export function badGold(matcher: MatcherName, gold: unknown): string | null {
  const [fits, words] = golds[matcher];
  return fits(gold) ? null : `must be ${words}`;
}

const golds: Record<MatcherName, [fits: (gold: unknown) => boolean, words: string]> = {
  exact: [(gold) => ['string', 'number', 'boolean'].includes(typeof gold), 'a text, a number, true or false'],
  number: [(gold) => !Number.isNaN(lastNumber(String(gold))), 'a number'],
  json: [(gold) => gold !== undefined, 'JSON'],
  contains_all: [Array.isArray, 'a list'],
  regex: [isRegularExpression, 'a regular expression'],
  vectors: [(gold) => z.object({ count: z.int() }).safeParse(gold).success, 'as in {"count": 2}'],
};

function isRegularExpression(gold: unknown): boolean {
  try {
    return typeof gold === 'string' && Boolean(new RegExp(gold, 'i'));
  } catch {
    return false;
  }
}

function fold(text: string): string {
  return text.trim().toLowerCase();
}

function lastNumber(text: string): number {
  return Number((text.match(/-?\d[\d,]*(?:\.\d+)?/g)?.at(-1) ?? 'NaN').replaceAll(',', ''));
}
