import { parseJsonAnswer } from '../checks/parse-json.ts';

/** The last word of an answer: what two answers to the same question are compared by. */
export interface FinalAnswer {
  /** As two answers that mean the same are written the same: `1200` for `$1,200.00`, `B` for `(B)`. */
  value: string;
  kind: 'number' | 'letter' | 'text';
  /** Whether the answer says which part is final; else it is the last number of the text. */
  marked: boolean;
}

/** Ways in which answers name their final part, the clearest first. The last match in the text counts. */
const markers: RegExp[] = [
  /####\s*([^\n]+)/g,
  /\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}/g,
  /\b(?:final|correct)?\s*answer(?:\s+is|\s+would be)?\s*:?\s*\**\(?([^\n]+)/gi,
];

/** What an answer comes to, or null where that can not be told. */
export function finalAnswerOf(text: string): FinalAnswer | null {
  const fromJson = jsonAnswer(text);
  if (fromJson !== null) return readFinal(fromJson, true);
  for (const marker of markers) {
    const last = [...text.matchAll(marker)].at(-1)?.[1];
    const found = last === undefined ? null : readFinal(last, true);
    if (found !== null) return found;
  }
  const trimmed = text.trim();
  if (trimmed.length <= SHORT) return readFinal(trimmed, true);
  const number = numbersOf(text).at(-1);
  return number === undefined ? null : { value: canonicalNumber(number), kind: 'number', marked: false };
}

/** An answer of at most so many characters is all final. */
const SHORT = 40;

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
  const letter = /^\(?([A-P])\)?(?:[).:\s]|$)/.exec(trimmed)?.[1];
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
function canonicalNumber(text: string): string {
  return String(Number(text.replaceAll(',', '')));
}
