import { equationsOf } from './arithmetic.ts';
import { finalAnswerOf, numbersOf } from './extract-answer.ts';
import type { FinalAnswer } from './extract-answer.ts';

/** What the scorer sees of a question and an answer, as numbers. Long texts are read at their beginning and their end. */
export interface AnswerFacts {
  kind: 'number' | 'letter' | 'text' | 'none';
  /** In the order of `denseNames`. */
  dense: number[];
  /** Hashed words of the prompt: what it is about. */
  words: number[];
}

export const WORD_BUCKETS = 1024;

/** Characters read of each end of a text. */
const READ = 4000;

const clip = (text: string): string => (text.length <= 2 * READ ? text : text.slice(0, READ) + text.slice(-READ));
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
const log = (value: number): number => Math.log1p(Math.max(0, value));
const flag = (value: boolean): number => (value ? 1 : 0);

export const denseNames = [
  'prompt_words',
  'prompt_numbers',
  'prompt_sentences',
  'prompt_rates',
  'prompt_multiples',
  'prompt_fractions',
  'prompt_compares',
  'prompt_conditions',
  'prompt_options',
  'prompt_not',
  'prompt_formula',
  'prompt_long_words',
  'prompt_money',
  'prompt_time',
  'prompt_remaining',
  'answer_words',
  'answer_per_prompt',
  'answer_lines',
  'answer_numbers',
  'marked',
  'final_first',
  'equations',
  'wrong_equations',
  'share_wrong',
  'final_is_result',
  'final_in_prompt',
  'final_fraction',
  'final_negative',
  'final_zero',
  'final_size',
  'final_above_prompt',
  'unused_numbers',
  'new_numbers',
  'assumes',
  'corrects',
  'hedges',
  'refuses',
  'repeats',
  'open_end',
  'stops_midway',
  'finals',
  'let_variable',
  'steps_per_number',
  'wide_decimals',
  'cites',
  'eliminates',
  'therefore',
] as const;

/** The facts of an answer to a prompt. */
export function factsOfAnswer(prompt: string, answer: string): AnswerFacts {
  const [question, text] = [clip(prompt), clip(answer)];
  const final = finalAnswerOf(text);
  const dense = [...promptFeatures(question), ...answerFeatures(question, text, final)];
  return { kind: final?.kind ?? 'none', dense, words: hashedWords(question) };
}

/**
 * Whether the scorer has learnt of such answers: a number for a question with numbers, named as the result or calculated,
 * or the letter of an option. Of a letter to a customer or a summary it knows nothing.
 */
export function isKnownGround(prompt: string, answer: string): boolean {
  const [question, text] = [clip(prompt), clip(answer)];
  const final = finalAnswerOf(text);
  if (final?.kind === 'letter') return count(question, OPTION) >= 2;
  return final?.kind === 'number' && numbersOf(question).length >= 2 && (final.marked || equationsOf(text).length > 0);
}

/** The letter of an option at the beginning of a line. */
const OPTION = /(^|\n)\s*\(?[A-P][).:]\s/g;

function promptFeatures(prompt: string): number[] {
  const words = prompt.match(/\S+/g) ?? [];
  return [
    log(words.length),
    log(numbersOf(prompt).length),
    log(count(prompt, /[.!?](\s|$)/g)),
    log(count(prompt, /\b(per|each|every|a (day|week|month|year|hour|minute|piece|dozen))\b/gi)),
    log(count(prompt, /\b(twice|double|triple|thrice|times|as (many|much|old|long|tall))\b/gi)),
    log(count(prompt, /%|percent|\bhalf\b|\bthird|\bquarter|\bfifth|\d\/\d|fraction|ratio/gi)),
    log(count(prompt, /\b(more|less|fewer|older|younger|taller|longer|than|difference|remaining|rest)\b/gi)),
    log(count(prompt, /\b(if|when|unless|until|after|before|except|but|only|instead|then)\b/gi)),
    log(count(prompt, OPTION)),
    flag(/\b(not|except|least|false|incorrect)\b/i.test(prompt)),
    log(count(prompt, /[\\^=∫∑√π{}]/g)),
    log(words.filter((word) => word.length > 9).length),
    log(count(prompt, /\$|\b(cost|price|pay|earn|spend|sell|profit|discount|dollars?|cents?)\b/gi)),
    log(count(prompt, /\b(hours?|minutes?|days?|weeks?|months?|years?|seconds?|speed|mph|age)\b/gi)),
    flag(/\b(left|remain(s|ing)?|rest)\b/i.test(prompt)),
  ];
}

function answerFeatures(prompt: string, text: string, final: FinalAnswer | null): number[] {
  const words = count(text, /\S+/g);
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const equations = equationsOf(text);
  const wrong = equations.filter(({ holds }) => !holds).length;
  const promptNumbers = new Set(numbersOf(prompt).map(canonical));
  const answerNumbers = numbersOf(text).map(canonical);
  const inAnswer = new Set(answerNumbers);
  const results = new Set(equations.map(({ stated }) => stated));
  const value = final?.kind === 'number' ? Number(final.value) : null;
  const unused = [...promptNumbers].filter((number) => !inAnswer.has(number)).length;
  const fresh = [...inAnswer].filter((number) => !promptNumbers.has(number) && !results.has(number) && number !== value).length;
  return [
    log(words),
    log(words) - log(count(prompt, /\S+/g)),
    log(lines.length),
    log(answerNumbers.length),
    flag(final?.marked === true),
    flag(value !== null && answerNumbers[0] === value && lines.length > 1),
    log(equations.length),
    log(wrong),
    equations.length === 0 ? 0 : wrong / equations.length,
    flag(value !== null && results.has(value)),
    flag(value !== null && promptNumbers.has(value)),
    flag(value !== null && !Number.isInteger(value)),
    flag(value !== null && value < 0),
    flag(value === 0),
    value === null ? 0 : log(Math.abs(value)),
    flag(value !== null && promptNumbers.size > 0 && Math.abs(value) > Math.max(...promptNumbers)),
    promptNumbers.size === 0 ? 0 : unused / promptNumbers.size,
    inAnswer.size === 0 ? 0 : fresh / inAnswer.size,
    flag(/\b(assum(e|ing)|suppose|let's say|presum)/i.test(text)),
    flag(/\b(however|wait|mistake|correction|actually|apologi[sz]e|re-?check|reconsider|but (this|that|since|we))\b/i.test(text)),
    flag(
      /\b(approximately|about|roughly|around|probably|likely|might|may be|not (sure|clear|possible|enough)|cannot be determined)\b/i.test(
        text,
      ),
    ),
    flag(/\b(as an ai|i (cannot|can't|am unable)|i'm sorry)\b/i.test(text)),
    log(lines.length - new Set(lines).size),
    flag(!/[.!?)}\]"'\d%]$/.test(text.trim())),
    flag(/\b(so|then|and|the|to|of|is|=|\+|-|\*)\s*$/i.test(text.trim())),
    log(new Set([...text.matchAll(/(?:####|answer is|\\boxed\{)\s*\$?([^\s.}]+)/gi)].map(([, found]) => found)).size),
    flag(/\blet\s+\w+\s+(be|=|represent|denote)|\b[a-z]\s*=\s*/i.test(text)),
    log(equations.length) - log(promptNumbers.size),
    flag(answerNumbers.some((number) => /\.\d{3,}/.test(String(number)))),
    flag(/\b(wikipedia|according to|refer to)\b/i.test(text)),
    log(count(text, /\([A-P]\)|\boption\b/g)),
    flag(/\b(therefore|thus|hence)\b/i.test(text)),
  ];
}

const canonical = (text: string): number => Number(text.replaceAll(',', ''));

/** The different words of a prompt, each as a bucket (FNV-1a). */
function hashedWords(prompt: string): number[] {
  const words = new Set(prompt.toLowerCase().match(/\p{L}{3,}/gu) ?? []);
  return [...new Set([...words].map((word) => hash(word) % WORD_BUCKETS))];
}

function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < word.length; index += 1) value = Math.imul(value ^ word.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
