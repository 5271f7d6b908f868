import { equationsOf } from './arithmetic.ts';
import type { Equation } from './arithmetic.ts';
import { count, flag, log } from './counts.ts';
import { numbersOf, writtenNumber } from './read-final.ts';
import type { FinalAnswer } from './extract-answer.ts';
import { quantitiesOf, Stock } from './quantities.ts';
import type { Origin } from './quantities.ts';

/** What can be seen of an answer to a prompt. */
export function answerFeatures(prompt: string, text: string, final: FinalAnswer | null) {
  return { ...shapeOf(prompt, text, final), ...numbersUsed(prompt, text, final), ...wordsOf(text) };
}

function shapeOf(prompt: string, text: string, final: FinalAnswer | null) {
  const words = count(text, /\S+/g);
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return {
    answer_words: log(words),
    answer_per_prompt: log(words) - log(count(prompt, /\S+/g)),
    answer_lines: log(lines.length),
    answer_sentences: log(count(text, /[.!?](\s|$)/g)),
    marked: flag(final?.marked === true),
    is_number: flag(final?.kind === 'number'),
    is_letter: flag(final?.kind === 'letter'),
    repeats: log(lines.length - new Set(lines).size),
    open_end: flag(!/[.!?)}\]"'”。！？\d%]$/.test(text.trim())),
    stops_midway: flag(/\b(so|then|and|the|to|of|is|=|\+|-|\*)\s*$/i.test(text.trim())),
    finals: log(new Set([...text.matchAll(/(?:####|answer is|\\boxed\{)\s*\$?([^\s.}]+)/gi)].map(([, found]) => found)).size),
  };
}

function numbersUsed(prompt: string, text: string, final: FinalAnswer | null) {
  const equations = equationsOf(text);
  const wrong = equations.filter(({ holds }) => !holds).length;
  const promptNumbers = new Set(numbersOf(prompt).map(writtenNumber));
  const answerNumbers = numbersOf(text).map(writtenNumber);
  const inAnswer = new Set(answerNumbers);
  const results = new Set(equations.map(({ stated }) => stated));
  const value = final?.kind === 'number' ? Number(final.value) : null;
  const unused = [...promptNumbers].filter((number) => !inAnswer.has(number)).length;
  const fresh = [...inAnswer].filter((number) => !promptNumbers.has(number) && !results.has(number) && number !== value).length;
  return {
    answer_numbers: log(answerNumbers.length),
    final_first: flag(value !== null && answerNumbers[0] === value && text.includes('\n')),
    equations: log(equations.length),
    wrong_equations: log(wrong),
    share_wrong: equations.length === 0 ? 0 : wrong / equations.length,
    final_is_result: flag(value !== null && results.has(value)),
    final_is_last_result: flag(value !== null && equations.at(-1)?.stated === value),
    final_in_prompt: flag(value !== null && promptNumbers.has(value)),
    final_fraction: flag(value !== null && !Number.isInteger(value)),
    final_negative: flag(value !== null && value < 0),
    final_zero: flag(value === 0),
    final_size: value === null ? 0 : log(Math.abs(value)),
    final_above_prompt: flag(value !== null && promptNumbers.size > 0 && Math.abs(value) > Math.max(...promptNumbers)),
    unused_numbers: promptNumbers.size === 0 ? 0 : unused / promptNumbers.size,
    new_numbers: inAnswer.size === 0 ? 0 : fresh / inAnswer.size,
    steps_per_number: log(equations.length) - log(promptNumbers.size),
    wide_decimals: flag(answerNumbers.some((number) => /\.\d{3,}/.test(String(number)))),
    ...chainOf(prompt, equations, value),
  };
}

/** How the calculations hang together: what goes in should be given or calculated, what is given should go in, and what comes out be used. */
function chainOf(prompt: string, equations: Equation[], final: number | null) {
  const [given, results] = [new Stock(), new Stock()];
  const quantities = quantitiesOf(prompt);
  for (const values of quantities) given.add(values);
  const origins: Origin[] = [];
  for (const { text, stated } of distinct(equations)) {
    for (const operand of operandsOf(text)) origins.push(originOf(operand, results, given));
    results.add([stated]);
  }
  if (final !== null) results.take(final);
  const share = (origin: Origin): number =>
    origins.length === 0 ? 0 : origins.filter((one) => one === origin).length / origins.length;
  return {
    strange_operands: share('nowhere'),
    reused_operands: share('used before'),
    idle_results: log(results.left),
    unused_operands: equations.length === 0 || quantities.length === 0 ? 0 : given.left / quantities.length,
    whole_results:
      equations.length === 0 ? 0 : equations.filter(({ stated }) => Number.isInteger(stated)).length / equations.length,
    most_operands: log(Math.max(0, ...equations.map(({ text }) => numbersOf(text).length))),
  };
}

/** Some answers write each calculation twice. */
function distinct(equations: Equation[]): Equation[] {
  return [...new Map(equations.map((equation) => [equation.text, equation])).values()];
}

function operandsOf(equation: string): number[] {
  return numbersOf(equation.slice(0, equation.lastIndexOf('='))).map((operand) => Math.abs(writtenNumber(operand)));
}

/** A number that was calculated is rather meant than one that is given. */
function originOf(operand: number, results: Stock, given: Stock): Origin {
  const calculated = results.take(operand);
  if (calculated === 'unused') return calculated;
  const known = given.take(operand);
  return known === 'unused' || calculated !== 'used before' ? known : calculated;
}

function wordsOf(text: string) {
  return {
    assumes: flag(/\b(assum(e|ing)|suppose|let's say|presum)/i.test(text)),
    corrects: flag(
      /\b(however|wait|mistake|correction|actually|apologi[sz]e|re-?check|reconsider|but (this|that|since|we))\b/i.test(text),
    ),
    tries_again: log(
      count(
        text,
        /\b(re-?(examine|calculate|evaluate|check|visit|think)|let'?s try|discrepanc|an error in|might be an? (error|mistake))/gi,
      ),
    ),
    hedges: flag(
      /\b(approximately|about|roughly|around|probably|likely|might|may be|not (sure|clear|possible|enough)|cannot be determined)\b/i.test(
        text,
      ),
    ),
    approximates: log(count(text, /≈|\\approx|\bapprox/g)),
    refuses: flag(/\b(as an ai|i (cannot|can't|am unable)|i'm sorry)\b/i.test(text)),
    lacks_facts: flag(
      /\b(not|n't|no) (give|given|provide|provided|contain|specif\w+|have|enough|sufficient)\b[^.]{0,40}\b(information|data|details|context|answer)\b|insufficient|ambiguous|poorly worded/i.test(
        text,
      ),
    ),
    let_variable: flag(/\blet\s+\w+\s+(be|=|represent|denote)|\b[a-z]\s*=\s*/i.test(text)),
    cites: flag(/\b(wikipedia|according to|refer to)\b/i.test(text)),
    therefore: flag(/\b(therefore|thus|hence)\b/i.test(text)),
    contrasts: log(count(text, /\b(but|while|although|though|however|whereas)\b/gi)),
  };
}
