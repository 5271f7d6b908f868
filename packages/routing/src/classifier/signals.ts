import type { PromptReading } from './read-prompt.ts';
import { wordClasses } from './word-classes.ts';

/** Hand-made features of a prompt, by name; counts as log(1 + n), so that a long prompt does not drown the rest. */
const signals: Record<string, (reading: PromptReading) => number> = {
  characters: ({ characters }) => Math.log1p(characters),
  words: ({ words }) => Math.log1p(words),
  numbers: ({ numbers }) => Math.log1p(numbers),
  numbersInRow: ({ numbers }) => Math.min(numbers, 12),
  numbersPerWord: ({ numbers, words }) => numbers / (words + 1),
  decimals: ({ decimals }) => Math.log1p(decimals),
  years: ({ years }) => Math.log1p(years),
  largestNumber: ({ largestNumber }) => Math.log1p(Math.min(largestNumber, 1e9)),
  sentences: ({ sentences }) => Math.log1p(sentences),
  wordsPerSentence: ({ sentences, words }) => Math.log1p(words / (sentences + 1)),
  longestSentence: ({ longestSentence }) => Math.log1p(longestSentence),
  lastSentence: ({ lastSentence }) => Math.log1p(lastSentence),
  lettersPerWord: ({ letters, words }) => letters / (words + 1),
  capitals: ({ capitals }) => Math.log1p(capitals),
  questionMarks: ({ questionMarks }) => Math.log1p(questionMarks),
  commas: ({ commas }) => Math.log1p(commas),
  quotes: ({ quotes }) => Math.log1p(quotes),
  operators: ({ operators }) => Math.log1p(operators),
  brackets: ({ brackets }) => Math.log1p(brackets),
  currency: ({ currency }) => Math.log1p(currency),
  percents: ({ percents }) => Math.log1p(percents),
  blanks: ({ blanks }) => Math.min(blanks, 1),
  lines: ({ lines }) => Math.log1p(lines),
  fences: ({ fences }) => Math.min(fences, 1),
  options: ({ options }) => options.length,
  numericOptions: ({ options, numericOptions }) => numericOptions / (options.length + 1),
  optionLength: ({ options }) => Math.log1p(options.reduce((sum, length) => sum + length, 0) / (options.length + 1)),
  longestOption: ({ options }) => Math.log1p(Math.max(0, ...options)),
  optionSpread: ({ options }) =>
    Math.log1p(Math.max(0, ...options) - Math.min(Infinity, ...(options.length > 0 ? options : [0]))),
  question: ({ question }) => Math.log1p(question),
  endsWithColon: ({ endsWithColon }) => (endsWithColon ? 1 : 0),
};

const ofReading = Object.values(signals);

/** Their names, in their order. */
export const signalNames = [...Object.keys(signals), ...wordClasses.map((name) => `words.${name}`)];

/** The hand-made features of a prompt, always in the same order. */
export function signalsOf(reading: PromptReading): number[] {
  return [...ofReading.map((signal) => signal(reading)), ...reading.classes.map((count) => Math.log1p(count))];
}
