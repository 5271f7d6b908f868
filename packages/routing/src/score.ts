import type { Check, CheckOutcome, FieldError, JobRequest, UnifiedResponse, UpshiftConfig, Verdict } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';

import { compileSchema } from './checks/json-schema.ts';
import { compilePattern } from './checks/patterns.ts';
import { outcomeOf, silentOutcome } from './checks/outcome.ts';
import { runCheck } from './checks/run-check.ts';
import type { PlainCheck } from './checks/run-check.ts';
import { callsToolsOnly } from './checks/subject.ts';
import type { Subject } from './checks/subject.ts';

export type Judge = Extract<Check, { type: 'llm_judge' }>;

/** What a judge said of an answer, or why none could be asked. */
export type Judgement = { score: number; reason: string } | { unavailable: string };

/** A judge's score from which its check counts as passed: a word for people; the score itself is what counts. */
const JUDGE_PASSES_AT = 0.7;

/** All checks of a job: the two that every answer must pass, what its response format implies, the route's, its own, and the trained scorer's. */
export function checksOf(request: JobRequest, { scorer, routes }: UpshiftConfig, route: string): Check[] {
  const named = [...routes[route]!.checks, ...request.checks];
  const isTrained = scorer.type === 'trained' && !isEmbedding(request.input) && !named.some(({ type }) => type === 'trained');
  return [
    { type: 'non_empty' },
    { type: 'complete' },
    ...impliedChecks(request),
    ...named,
    ...(isTrained ? [{ type: 'trained' as const }] : []),
  ];
}

function impliedChecks({ input }: JobRequest): Check[] {
  const format = isEmbedding(input) ? null : input.response_format;
  if (format?.type === 'json_schema') return [{ type: 'json_schema', schema: format.schema }];
  return format?.type === 'json_object' ? [{ type: 'json' }] : [];
}

/** The outcomes of all checks that need no model. */
export function runPlainChecks(checks: Check[], subject: Subject): CheckOutcome[] {
  return checks
    .filter((check): check is PlainCheck => check.type !== 'llm_judge' && check.type !== 'verifier')
    .map((check) => runCheck(check, subject));
}

/** The judges to ask, by their place among the checks; none where a gate has failed already, because cheap goes before dear, nor of an answer without a text. */
export function judgesToAsk(checks: Check[], plain: CheckOutcome[], answer: UnifiedResponse): { check: Judge; index: number }[] {
  if (!gatesPass(plain) || callsToolsOnly(answer)) return [];
  return checks.flatMap((check, index) => (check.type === 'llm_judge' ? [{ check, index }] : []));
}

export function judgeOutcome(check: Judge, judgement: Judgement): CheckOutcome {
  if ('unavailable' in judgement) return silentOutcome(check, `not judged: ${judgement.unavailable}`);
  return outcomeOf(check, judgement.score, judgement.score >= JUDGE_PASSES_AT, judgement.reason);
}

/**
 * One score of all checks. A gate decides whether the answer may pass and then says no more, so that ten passed gates do
 * not outvote a judge; the score is the weighted mean of the graded checks (1 without any), and for an answer that failed a
 * gate the share of its checks that passed, halved, which only serves to find the best of bad answers.
 */
export function verdictOf(outcomes: CheckOutcome[]): Verdict {
  const passed = gatesPass(outcomes);
  const score = passed ? weightedMean(outcomes.filter(({ gate }) => !gate)) : weightedMean(outcomes) / 2;
  return { score: Math.round(score * 1000) / 1000, passed, checks: outcomes };
}

/** What is wrong with checks, apart from their shape; those that are null have a bad one, and are told of elsewhere. */
export function badChecks(checks: (Check | null)[], at: string): FieldError[] {
  const room = roomForSchemas();
  return checks.flatMap((check, index) => (check === null ? [] : badCheck(check, `${at}[${index}]`, room)));
}

/** What does not compile, and bounds that let nothing or everything pass. */
export function badCheck(check: Check, at: string, room = roomForSchemas()): FieldError[] {
  if (check.type === 'regex') return problem(`${at}.pattern`, check.pattern, () => compilePattern(check.pattern));
  if (check.type === 'json_schema') return badSchema(check.schema, `${at}.schema`, room);
  return check.type === 'length' ? badBounds(check, at) : [];
}

/** A length without any bound says nothing, and one whose bounds are the wrong way round lets no answer pass. */
function badBounds(check: Extract<Check, { type: 'length' }>, at: string): FieldError[] {
  const { min_words, max_words, min_chars, max_chars } = check;
  if ([min_words, max_words, min_chars, max_chars].every((bound) => bound === undefined))
    return [{ field: at, message: 'needs one of min_words, max_words, min_chars, max_chars' }];
  return [
    ...notAbove(`${at}.min_words`, min_words, 'max_words', max_words),
    ...notAbove(`${at}.min_chars`, min_chars, 'max_chars', max_chars),
  ];
}

function notAbove(field: string, least = 0, name: string, most = Infinity): FieldError[] {
  return least <= most ? [] : [{ field, value: least, message: `must not be above ${name}, which is ${most}` }];
}

/** What is wrong with a schema that the answer must have. */
export function badSchema(schema: Record<string, unknown>, at: string, room = roomForSchemas()): FieldError[] {
  return problem(at, undefined, () => {
    takeRoom(schema, room);
    compileSchema(schema);
  });
}

/** To compile so much takes about a second, in which the process does nothing else. */
const MOST_OF_SCHEMAS = { characters: 100_000, values: 5000 };

/** What the schemas of a list of checks may still have. */
function roomForSchemas(): typeof MOST_OF_SCHEMAS {
  return { ...MOST_OF_SCHEMAS };
}

function takeRoom(schema: Record<string, unknown>, room: typeof MOST_OF_SCHEMAS): void {
  room.characters -= JSON.stringify(schema, (_key, value: unknown) => {
    room.values -= 1;
    return value;
  }).length;
  if (room.characters >= 0 && room.values >= 0) return;
  const { characters, values } = MOST_OF_SCHEMAS;
  throw new Error(`schemas may have ${characters} characters of JSON and ${values} values, those of all checks together`);
}

function problem(field: string, value: unknown, compile: () => unknown): FieldError[] {
  try {
    compile();
    return [];
  } catch (error) {
    return [
      { field, ...(value === undefined ? {} : { value }), message: error instanceof Error ? error.message : String(error) },
    ];
  }
}

export function gatesPass(outcomes: CheckOutcome[]): boolean {
  return outcomes.every((outcome) => outcome.passed || !outcome.gate);
}

function weightedMean(outcomes: CheckOutcome[]): number {
  const weight = outcomes.reduce((sum, outcome) => sum + outcome.weight, 0);
  if (weight === 0) return 1;
  return outcomes.reduce((sum, outcome) => sum + outcome.score * outcome.weight, 0) / weight;
}
