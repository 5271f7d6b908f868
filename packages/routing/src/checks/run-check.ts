import type { Check, CheckOutcome, UnifiedResponse } from '@upshift/contracts';

import { arithmetic, consistent, extractable, finished, unhedged } from './answer-signs.ts';
import { askedFormat } from './asked-format.ts';
import { no, yes } from './finding.ts';
import type { Finding } from './finding.ts';
import { grounded } from './grounded.ts';
import { misfit } from './json-schema.ts';
import { language } from './language.ts';
import { parsedCode } from './parsed-code.ts';
import { parseJsonAnswer } from './parse-json.ts';
import { runEstimate } from './estimates.ts';
import type { Estimate } from './estimates.ts';
import { outcomeOf, signs } from './outcome.ts';
import { compilePattern } from './patterns.ts';
import { callsToolsOnly } from './subject.ts';
import type { Subject } from './subject.ts';

/** A check that needs no call of a model. */
export type PlainCheck = Exclude<Check, { type: 'llm_judge' | 'verifier' }>;

/** Runs one check on an answer. A check never sees a known good answer. */
export function runCheck(check: PlainCheck, subject: Subject): CheckOutcome {
  if (isBesideCalls(check, subject.answer)) return { ...outcomeOf(check, 1, true, 'calls tools, which come first'), weight: 0 };
  if (check.type === 'trained' || check.type === 'agreement') return runEstimate(check, subject);
  const { passed, reason, score } = isSign(check) ? read(check, subject) : find(check, subject.answer);
  const outcome = outcomeOf(check, score ?? (passed ? 1 : 0), passed, reason);
  return isSign(check) && !outcome.gate && outcome.score === 1 ? { ...outcome, weight: 0 } : outcome;
}

/** Calls of tools are a step on the way to an answer: without a text there is nothing to look at, and a text beside them has not the form of the answer yet. */
function isBesideCalls({ type }: PlainCheck, answer: UnifiedResponse): boolean {
  if (type === 'non_empty' || type === 'complete') return false;
  return callsToolsOnly(answer) || (answer.toolCalls.length > 0 && (type === 'json' || type === 'json_schema'));
}

/** A check that looks for something wrong. That it finds nothing makes an answer no better, so that it counts only where it does. */
type Sign = Extract<Check, { type: (typeof signs)[number] }>;

function isSign(check: PlainCheck): check is Sign {
  return (signs as readonly string[]).includes(check.type);
}

function read(check: Sign, { prompt, answer: { text } }: Subject): Finding {
  switch (check.type) {
    case 'arithmetic':
      return arithmetic(text);
    case 'extractable':
      return extractable(prompt, text);
    case 'finished':
      return finished(text);
    case 'unhedged':
      return unhedged(text);
    case 'consistent':
      return consistent(prompt, text);
    case 'language':
      return language(prompt, text, check.language);
    case 'asked_format':
      return askedFormat(prompt, text);
    case 'grounded':
      return grounded(prompt, text);
  }
}

function find(check: Exclude<PlainCheck, Estimate | Sign>, answer: UnifiedResponse): Finding {
  const { text } = answer;
  switch (check.type) {
    case 'non_empty':
      return nonEmpty(answer);
    case 'complete':
      return answer.finishReason === 'length' ? no('cut off at the token limit') : yes('the model finished');
    case 'json':
      return parseJsonAnswer(text) === undefined ? no('not JSON') : yes('is JSON');
    case 'json_schema':
      return matchesSchema(check.schema, text);
    case 'regex':
      return compilePattern(check.pattern, check.ignore_case).test(text)
        ? yes('the pattern is found')
        : no(`no match for ${check.pattern}`);
    case 'contains':
      return contains(check.values, check.mode ?? 'all', text);
    case 'one_of':
      return check.values.some((value) => fold(value.trim()) === fold(text.trim()))
        ? yes('is one of the values')
        : no(`not one of ${check.values.join(', ')}`);
    case 'code':
      return parsedCode(text, check.language);
    case 'length':
      return length(check, text);
  }
}

function nonEmpty({ text, toolCalls, vectors }: UnifiedResponse): Finding {
  const empty = text.trim() === '' && toolCalls.length === 0 && vectors === null;
  return empty ? no('the answer is empty') : yes('there is an answer');
}

function matchesSchema(schema: Record<string, unknown>, text: string): Finding {
  const value = parseJsonAnswer(text);
  if (value === undefined) return no('not JSON');
  const problem = misfit(schema, value);
  return problem === null ? yes('fits the schema') : no(problem);
}

function contains(values: string[], mode: 'all' | 'any', text: string): Finding {
  const folded = fold(text);
  const missing = values.filter((value) => !folded.includes(fold(value)));
  const passed = mode === 'all' ? missing.length === 0 : missing.length < values.length;
  return passed ? yes('the words are there') : no(`missing: ${missing.join(', ')}`);
}

function length(check: Extract<Check, { type: 'length' }>, text: string): Finding {
  const words = wordsIn(text);
  // Of Unicode, as `maxLength` of a schema counts them: an emoji is not two.
  const characters = Array.from(text).length;
  if (check.min_words !== undefined && words < check.min_words) return no(`${words} words, at least ${check.min_words} wanted`);
  if (check.max_words !== undefined && words > check.max_words) return no(`${words} words, at most ${check.max_words} wanted`);
  if (check.min_chars !== undefined && characters < check.min_chars)
    return no(`${characters} characters, at least ${check.min_chars} wanted`);
  if (check.max_chars !== undefined && characters > check.max_chars)
    return no(`${characters} characters, at most ${check.max_chars} wanted`);
  return yes('the length is right');
}

/** Of scripts that put no spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

function wordsIn(text: string): number {
  const pieces = text.split(/\s+/).filter(Boolean);
  return pieces.reduce((sum, piece) => sum + (UNSPACED.test(piece) ? unspacedWordsIn(piece) : 1), 0);
}

function unspacedWordsIn(text: string): number {
  return Array.from(segmenter.segment(text)).filter(({ isWordLike }) => isWordLike).length;
}

/** The same for letters in whatever case and Unicode form: in capitals also `ß` and `ς` are as elsewhere. */
function fold(text: string): string {
  return text.normalize('NFC').toUpperCase();
}
