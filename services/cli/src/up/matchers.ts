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

function fold(text: string): string {
  return text.trim().toLowerCase();
}

function lastNumber(text: string): number {
  return Number((text.match(/-?\d[\d,]*(?:\.\d+)?/g)?.at(-1) ?? 'NaN').replaceAll(',', ''));
}
