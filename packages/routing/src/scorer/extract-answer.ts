import { parseJsonAnswer } from '../checks/parse-json.ts';
import { optionsOf } from './options.ts';
import type { Option } from './options.ts';
import { canonicalNumber, numbersOf, readFinal } from './read-final.ts';
import type { Reading } from './read-final.ts';

/** The last word of an answer: what two answers to the same question are compared by. */
export interface FinalAnswer extends Reading {
  /** Whether the answer says which part is final; else it is the last number of the text. */
  marked: boolean;
}

/** `####` before a result, with its unit, alone on a line; before words it is a heading. */
const RESULT_LINE = /^####(?=[ \t]*(?:[\p{Sc}-]*(?:\d[\d,]*(?:\.\d+)?|\.\d+)%?(?: +\p{L}+){0,2}|\(?[A-P]\)?)[.*]*[ \t]*$)/gmu;

/** Ways in which answers name their final part, the clearest first; it stands behind them. The last in the text counts. */
const markers: RegExp[] = [
  RESULT_LINE,
  /\\boxed\{/g,
  /<answer>\s*/gi,
  /\b(?:answer|option|choice)\b(?:\s+(?:is|would be|must be|should be)\b|"?\s*[:=])(?:\s*(?:option|choice))?[\s:*"$]*(?:\\\[\s*)?/gi,
];
/** Any mention: a number or an option behind it, also behind a dash, may be what is meant, and words are not. */
const MENTION = /\banswer\b[\s*"]*(?:[-–—]\s)?/gi;

/** What an answer comes to, or null where that can not be told. Of a prompt that lists options it is the letter of one where it can be. */
export function finalAnswerOf(text: string, prompt = ''): FinalAnswer | null {
  const options = optionsOf(prompt);
  const json = jsonAnswer(text);
  if (json === null) return null;
  const finals = json === undefined ? finalsOf(text, options) : [readingsOf([json.slice(0, LONGEST_JSON)], options)];
  const trimmed = text.trim();
  if (trimmed.length <= SHORT && trimmed !== '')
    finals.push([readFinal(trimmed, options.length > 0) ?? { value: trimmed, kind: 'text' }]);
  return options.length > 0 ? chosenOf(trimmed, finals, options) : resultOf(text, finals);
}

/** All numbers and options that an answer clearly says to be final, in their order, with where they stand. */
export function clearFinals(text: string, options: Option[]): { at: number; value: string }[] {
  const parts = markers.flatMap((marker) => partsBehind(text, marker)).toSorted((one, other) => one.at - other.at);
  return parts.flatMap(({ at, part }) => {
    // Here a letter alone is one also where the prompt lists no options that are known.
    const reading = readFinal(part, true);
    if (reading === null || reading.kind === 'text') return [];
    return [{ at, value: optionSaying(reading, options) ?? reading.value }];
  });
}

function finalsOf(text: string, options: Option[]): Reading[][] {
  const behind = (marker: RegExp): Reading[] =>
    readingsOf(
      partsBehind(text, marker).map(({ part }) => part),
      options,
    );
  return [...markers.map(behind), behind(MENTION).filter(({ kind }) => kind !== 'text')];
}

function readingsOf(parts: string[], options: Option[]): Reading[] {
  return parts.flatMap((part) => readFinal(part, options.length > 0) ?? []);
}

/** An answer of at most so many characters is all final. */
const SHORT = 40;

/** @param finals what stands behind the markers, those of the clearest first */
function resultOf(text: string, finals: Reading[][]): FinalAnswer | null {
  const final = finals.find((ofMarker) => ofMarker.length > 0)?.at(-1);
  if (final !== undefined) return { ...final, marked: true };
  const last = numbersOf(text).at(-1);
  return last === undefined ? null : { value: canonicalNumber(last), kind: 'number', marked: false };
}

/** The option that is chosen, by its letter or by what it says; else what the answer comes to without a choice. */
function chosenOf(text: string, finals: Reading[][], options: Option[]): FinalAnswer | null {
  const named = finals
    .map((ofMarker) => ofMarker.findLast(({ kind }) => kind === 'letter'))
    .find((letter) => letter !== undefined);
  const letter = named?.value ?? firstOption(text, options);
  if (letter !== null) return { value: letter, kind: 'letter', marked: true };
  const result = resultOf(text, finals);
  const said = result && optionSaying(result, options);
  if (said) return { value: said, kind: 'letter', marked: result.marked };
  const [inBrackets, another] = new Set(Array.from(text.matchAll(/\(([A-P])\)/g), ([, found]) => found));
  const isNamed = inBrackets !== undefined && another === undefined && !(result?.marked && result.kind === 'number');
  return isNamed ? { value: inBrackets, kind: 'letter', marked: false } : result;
}

/** The option with which a text begins: `B) Rome. It has been the capital since …`. */
function firstOption(text: string, options: Option[]): string | null {
  const [matched = '', letter] = /^[*_`"\s]*\(?([A-P])[).:]{1,2}[*_`"\s]*/.exec(text) ?? [];
  const option = options.find((one) => one.letter === letter);
  return option && text.slice(matched.length).toLowerCase().startsWith(option.text.toLowerCase()) ? option.letter : null;
}

/** The letter of the one option that says what the answer comes to. */
function optionSaying({ value, kind }: Reading, options: Option[]): string | null {
  const same = options.filter((option) => {
    const read = readFinal(option.text, false);
    return read !== null && read.kind === kind && read.value === value;
  });
  return same.length === 1 ? same[0]!.letter : null;
}

/** What stands behind each place of a marker: the rest of the line, or what is in the braces or the tag. */
function partsBehind(text: string, marker: RegExp): { at: number; part: string }[] {
  return [...text.matchAll(marker)].slice(-MOST_PARTS).map((match) => {
    const at = match.index + match[0].length;
    const rest = text.slice(at, at + LONGEST_FINAL);
    return { at, part: match[0].startsWith('\\boxed') ? insideBraces(rest) : (rest.split(/\n|<\//, 1)[0] ?? '') };
  });
}

/** The last ones are read, and more than these no answer has. */
const MOST_PARTS = 200;
/** More characters than a final answer has, in a text and where it has a field of its own. */
const LONGEST_FINAL = 400;
const LONGEST_JSON = 4000;

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

/** The value under the key that answers use for what they come to; null where they say that there is none, undefined where there is no such key. */
function jsonAnswer(text: string): string | null | undefined {
  const value = text.includes('{') ? parseJsonAnswer(text) : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entry = Object.entries(value).find(([key]) => /^(final_?)?(answer|result|label|category|class)$/i.test(key));
  if (entry === undefined) return undefined;
  if (entry[1] === null) return null;
  return typeof entry[1] === 'object' ? JSON.stringify(entry[1]) : String(entry[1]);
}
