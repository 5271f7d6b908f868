import { EMPTY_HASH, hashed } from './hash.ts';
import { classesOf, wordClasses } from './word-classes.ts';

/** What one pass over a prompt finds. */
export interface PromptReading {
  /** A hash per word, number and sign, in their order. */
  tokens: number[];
  /** How often each class of words occurs, in the order of `wordClasses`. */
  classes: number[];
  characters: number;
  words: number;
  letters: number;
  capitals: number;
  numbers: number;
  decimals: number;
  /** Numbers from 1500 to 2099 without a fraction. */
  years: number;
  largestNumber: number;
  sentences: number;
  longestSentence: number;
  lastSentence: number;
  questionMarks: number;
  commas: number;
  quotes: number;
  operators: number;
  brackets: number;
  currency: number;
  percents: number;
  blanks: number;
  lines: number;
  fences: number;
  /** Choices that are listed line by line, as `A.`, `B)` or `(C)`, each with its length in characters. */
  options: number[];
  numericOptions: number;
  /** Characters before the first option. */
  question: number;
  endsWithColon: boolean;
}

/** Of a long prompt the beginning and the end are read, in characters: instructions stand there, data between them. */
const FIRST = 3000;
const LAST = 1000;

/** A last line of at most so many characters that ends with a colon (`Answer:`) only invites the answer. */
const CUE_LENGTH = 20;

const [NEWLINE, SPACE, TAB, RETURN] = [10, 32, 9, 13];
const NUMBER_HASHES = 16;

/** Reads a prompt once, from its beginning to its end. */
export function readPrompt(prompt: string): PromptReading {
  const ends = prompt.length > FIRST + LAST ? `${prompt.slice(0, FIRST)}\n${prompt.slice(-LAST)}` : prompt;
  const text = withoutCue(ends).replaceAll('\u00a0', ' ');
  const reading = emptyReading(prompt.length);
  let position = 0;
  let sentenceStart = 0;
  let optionStart = -1;
  const endSentence = (end: number): void => {
    const words = reading.words - sentenceStart;
    if (words > 0) {
      reading.sentences += 1;
      reading.lastSentence = words;
      if (words > reading.longestSentence) reading.longestSentence = words;
    }
    sentenceStart = reading.words;
    position = end;
  };
  while (position < text.length) {
    const unit = text.charCodeAt(position);
    if (isLetter(unit)) position = readWord(text, position, reading);
    else if (isDigit(unit)) position = readNumber(text, position, reading);
    else if (unit === NEWLINE) {
      reading.lines += 1;
      endSentence(position + 1);
      const markLength = optionMark(text, position);
      if (markLength > 0) {
        if (optionStart < 0) reading.question = position;
        else reading.options.push(position - 1 - optionStart);
        optionStart = position + markLength;
        if (isNumeric(text, optionStart)) reading.numericOptions += 1;
        position += markLength;
      }
    } else if (unit === SPACE || unit === TAB || unit === RETURN) position += 1;
    else {
      position = readSign(text, position, unit, reading);
      if ((unit === 46 || unit === 63 || unit === 33) && !(position < text.length && text.charCodeAt(position) > SPACE))
        endSentence(position);
    }
  }
  endSentence(position);
  if (optionStart < 0) reading.question = text.length;
  else reading.options.push(text.length - optionStart);
  reading.endsWithColon = text.charCodeAt(reading.question - 1) === 58;
  return reading;
}

function emptyReading(characters: number): PromptReading {
  return {
    tokens: [],
    classes: wordClasses.map(() => 0),
    characters,
    words: 0,
    letters: 0,
    capitals: 0,
    numbers: 0,
    decimals: 0,
    years: 0,
    largestNumber: 0,
    sentences: 0,
    longestSentence: 0,
    lastSentence: 0,
    questionMarks: 0,
    commas: 0,
    quotes: 0,
    operators: 0,
    brackets: 0,
    currency: 0,
    percents: 0,
    blanks: 0,
    lines: 0,
    fences: 0,
    options: [],
    numericOptions: 0,
    question: 0,
    endsWithColon: false,
  };
}

function withoutCue(text: string): string {
  const trimmed = text.trimEnd();
  if (!trimmed.endsWith(':')) return trimmed;
  const line = trimmed.lastIndexOf('\n');
  return line > 0 && trimmed.length - line <= CUE_LENGTH ? trimmed.slice(0, line).trimEnd() : trimmed;
}

/** From À on; not the signs of typing and of mathematics between the letters of Europe and those of East Asia. */
function isLetter(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 0xc0 && (unit < 0x2000 || unit >= 0x2c00));
}

/** Typographic signs, by the unit of that of a keyboard that they are read as. */
const typed = new Map(
  (
    [
      ["'", '‘’‚'],
      ['"', '“”„«»'],
      ['-', '‐‑–—−'],
      ['$', '€£¥₹'],
    ] as const
  ).flatMap(([sign, alike]) => Array.from(alike, (one) => [one.charCodeAt(0), sign.charCodeAt(0)] as const)),
);

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Scripts without spaces between words: each character is a word. */
function isIdeograph(unit: number): boolean {
  return (unit >= 0x3040 && unit <= 0x30ff) || (unit >= 0x3400 && unit <= 0x9fff) || (unit >= 0xac00 && unit <= 0xd7af);
}

function readWord(text: string, start: number, reading: PromptReading): number {
  let position = start;
  let hash = EMPTY_HASH;
  const first = text.charCodeAt(start);
  if (first >= 65 && first <= 90) reading.capitals += 1;
  for (; position < text.length; position += 1) {
    const unit = text.charCodeAt(position);
    if (unit >= 97 && unit <= 122) {
      hash = hashed(hash, unit);
      continue;
    }
    if (!isLetter(unit) || (position > start && isIdeograph(unit))) break;
    hash = hashed(hash, unit >= 65 && unit <= 90 ? unit | 32 : unit);
    if (isIdeograph(unit)) {
      position += 1;
      break;
    }
  }
  reading.words += 1;
  reading.letters += position - start;
  reading.tokens.push(hash);
  const classes = classesOf(hash);
  if (classes) for (const index of classes) reading.classes[index] = (reading.classes[index] ?? 0) + 1;
  return position;
}

function readNumber(text: string, start: number, reading: PromptReading): number {
  let position = start;
  let value = 0;
  let digits = 0;
  let fraction = false;
  for (; position < text.length; position += 1) {
    const unit = text.charCodeAt(position);
    if (isDigit(unit)) {
      digits += 1;
      if (!fraction) value = value * 10 + unit - 48;
    } else if ((unit === 46 || unit === 44) && isDigit(text.charCodeAt(position + 1))) {
      if (unit === 46) fraction = true;
    } else break;
  }
  reading.numbers += 1;
  if (fraction) reading.decimals += 1;
  else if (value >= 1500 && value < 2100) reading.years += 1;
  if (value > reading.largestNumber) reading.largestNumber = value;
  // The digits of a number say little of the work: its size does.
  reading.tokens.push(
    value <= 10 && !fraction ? value + 1 : (fraction ? NUMBER_HASHES : 0) + NUMBER_HASHES + Math.min(digits, NUMBER_HASHES - 1),
  );
  return position;
}

function readSign(text: string, position: number, written: number, reading: PromptReading): number {
  let end = position + 1;
  while (end < text.length && text.charCodeAt(end) === written) end += 1;
  const unit = written < 128 ? written : (typed.get(written) ?? written);
  if (unit === 63) reading.questionMarks += 1;
  else if (unit === 44) reading.commas += 1;
  else if (unit === 34 || unit === 39) reading.quotes += 1;
  else if (unit === 36) reading.currency += 1;
  else if (unit === 37) reading.percents += 1;
  else if (unit === 95) reading.blanks += 1;
  else if (unit === 96 && end - position >= 3) reading.fences += 1;
  else if (isOperator(unit)) reading.operators += 1;
  else if (isBracket(unit)) reading.brackets += 1;
  reading.tokens.push(unit << 8);
  return end;
}

/** + * / < = > ^ \ | ~ */
function isOperator(unit: number): boolean {
  return (
    unit === 43 ||
    unit === 42 ||
    unit === 47 ||
    (unit >= 60 && unit <= 62) ||
    unit === 94 ||
    unit === 92 ||
    unit === 124 ||
    unit === 126
  );
}

/** ( ) [ ] { } */
function isBracket(unit: number): boolean {
  return unit === 40 || unit === 41 || unit === 91 || unit === 93 || unit === 123 || unit === 125;
}

/** The length of `A. `, `B) `, `(C) ` or `(D): ` at the start of a line, 0 where there is none. */
function optionMark(text: string, start: number): number {
  const open = text.charCodeAt(start) === 40 ? 1 : 0;
  const letter = text.charCodeAt(start + open) | 32;
  const close = text.charCodeAt(start + open + 1);
  if (letter < 97 || letter > 106 || !(close === 41 || (close === 46 && open === 0))) return 0;
  const colon = open === 1 && text.charCodeAt(start + 3) === 58 ? 1 : 0;
  return text.charCodeAt(start + open + 2 + colon) === SPACE ? open + 3 + colon : 0;
}

function isNumeric(text: string, start: number): boolean {
  const unit = text.charCodeAt(start);
  return isDigit(unit) || ((unit === 36 || unit === 45 || unit === 43) && isDigit(text.charCodeAt(start + 1)));
}
