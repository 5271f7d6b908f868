import { parseJsonAnswer } from '../checks/parse-json.ts';
import { optionsOf } from './options.ts';
import type { Option } from './options.ts';

/** The last word of an answer: what two answers to the same question are compared by. */
export interface FinalAnswer {
  /** As two answers that mean the same are written the same: `1200` for `$1,200.00`, `B` for `(B)`. */
  value: string;
  kind: 'number' | 'letter' | 'text';
  /** Whether the answer says which part is final; else it is the last number of the text. */
  marked: boolean;
}

/** Ways in which answers name their final part, the clearest first; it stands behind them. The last in the text counts. */
const markers: RegExp[] = [
  /####/g,
  /\\boxed\{/g,
  /\b(?:answer|option|choice)\b(?:\s+(?:is|would be|must be|should be)\b|"?\s*[:=])(?:\s*(?:option|choice))?[\s:*"]*/gi,
  /\banswer\b[\s*"]*/gi,
];

/** What an answer comes to, or null where that can not be told. Of a prompt that lists options it is the letter of one where it can be. */
export function finalAnswerOf(text: string, prompt = ''): FinalAnswer | null {
  const options = optionsOf(prompt);
  const final = finalOf(text, options);
  return final === null || final.kind === 'letter' ? final : (asOption(final, options) ?? final);
}

function finalOf(text: string, options: Option[]): FinalAnswer | null {
  const fromJson = jsonAnswer(text);
  if (fromJson !== null) return readFinal(fromJson, true);
  for (const marker of markers) {
    const found = markedAnswer(text, marker, options);
    if (found !== null) return found;
  }
  const trimmed = text.trim();
  if (trimmed.length <= SHORT) return readFinal(trimmed, true);
  const number = numbersOf(text).at(-1);
  return number === undefined ? null : { value: canonicalNumber(number), kind: 'number', marked: false };
}

/** An answer of at most so many characters is all final. */
const SHORT = 40;

/** What stands behind the last marker; where options are listed, behind the last one that a letter follows, if there is one. */
function markedAnswer(text: string, marker: RegExp, options: Option[]): FinalAnswer | null {
  const found = [...text.matchAll(marker)].flatMap((match) => {
    const rest = text.slice(match.index + match[0].length, match.index + match[0].length + LONGEST_FINAL);
    const final = readFinal(match[0].startsWith('\\boxed') ? insideBraces(rest) : (rest.split('\n', 1)[0] ?? ''), true);
    return final === null ? [] : [final];
  });
  const letter = options.length > 0 ? found.findLast(({ kind }) => kind === 'letter') : undefined;
  return letter ?? found.at(-1) ?? null;
}

/** More characters than a final answer has. */
const LONGEST_FINAL = 400;

/** The text up to the brace that closes one before it. */
function insideBraces(text: string): string {
  let depth = 1;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '{') depth += 1;
    else if (text[index] === '}') depth -= 1;
    if (depth === 0) return text.slice(0, index);
  }
  return '';
}

/** The option that says what the answer comes to. */
function asOption({ value, kind, marked }: FinalAnswer, options: Option[]): FinalAnswer | null {
  const same = options.filter(({ text }) => {
    const read = readFinal(text, true);
    return read !== null && read.kind === kind && read.value === value;
  });
  return same.length === 1 ? { value: same[0]!.letter, kind: 'letter', marked } : null;
}

/** The value under the key that answers use for what they come to. */
function jsonAnswer(text: string): string | null {
  const value = text.includes('{') ? parseJsonAnswer(text) : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entry = Object.entries(value).find(([key]) => /^(final_?)?(answer|result|label|category|class)$/i.test(key));
  if (entry === undefined) return null;
  return typeof entry[1] === 'object' ? JSON.stringify(entry[1]) : String(entry[1]);
}

function readFinal(text: string, marked: boolean): FinalAnswer | null {
  const trimmed = text.trim().replace(/[.*\s]+$/, '');
  if (trimmed === '') return null;
  const letter = /^[($\s]*(?:\\text\{)?\(?([A-P])\)?(?:[).:,\s}$]|$)/.exec(trimmed)?.[1];
  if (letter !== undefined && !/^[A-P]\s+[a-z]/.test(trimmed)) return { value: letter, kind: 'letter', marked };
  const numbers = numbersOf(trimmed);
  const only = numbers.length === 1 || /^\$?-?[\d.,]+/.test(trimmed);
  if (only && numbers[0] !== undefined) return { value: canonicalNumber(numbers[0]), kind: 'number', marked };
  return {
    value: trimmed
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\\/^+=-]+/gu, ' ')
      .trim(),
    kind: 'text',
    marked,
  };
}

const number = /(?<![\w.])-?\$?-?\d+(?:,\d{3})*(?:\.\d+)?/g;

/** All numbers of a text as they are written, without currency signs. */
export function numbersOf(text: string): string[] {
  return (text.match(number) ?? []).map((found) => found.replace('$', ''));
}

/** `1,200.50` is `1200.5`. */
export function canonicalNumber(text: string): string {
  return String(Number(text.replaceAll(',', '')));
}
