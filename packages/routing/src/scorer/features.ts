import { answerFeatures } from './answer-features.ts';
import { choiceFeatures } from './choice-features.ts';
import { equationsOf } from './arithmetic.ts';
import { finalAnswerOf } from './extract-answer.ts';
import { canonicalNumber, numbersOf } from './read-final.ts';
import type { FinalAnswer } from './extract-answer.ts';
import { optionsOf } from './options.ts';
import type { Option } from './options.ts';
import { promptFeatures } from './prompt-features.ts';

/** What the scorer sees of a question and an answer, as numbers. Long texts are read at their beginning and their end. */
export interface AnswerFacts {
  /** Questions that list options, and all others: what speaks for an answer to the one says little of the other. */
  block: Block;
  kind: 'number' | 'letter' | 'text' | 'none';
  /** What the answer comes to; null where that can not be told. */
  final: string | null;
  /** The numbers on the way there: said by the answer, and neither given nor final. */
  steps: ReadonlySet<string>;
  /** In the order of `denseNames`. */
  dense: number[];
}

export type Block = 'choice' | 'open';

/** Characters read of each end of a text. */
const READ = 4000;

/** With one sign for an apostrophe. */
function clip(text: string): string {
  const clipped = text.length <= 2 * READ ? text : text.slice(0, READ) + text.slice(-READ);
  return clipped.replaceAll('’', "'");
}

/** The facts of an answer to a prompt. */
export function factsOfAnswer(prompt: string, answer: string): AnswerFacts {
  const [question, text] = [clip(prompt), clip(answer)];
  const options = optionsOf(question);
  const final = finalAnswerOf(text, question);
  const dense = Object.values(featuresOf(question, text, options, final));
  return {
    block: options.length > 0 ? 'choice' : 'open',
    kind: final?.kind ?? 'none',
    final: final?.value ?? null,
    steps: stepsOf(question, text, final),
    dense,
  };
}

function stepsOf(prompt: string, text: string, final: FinalAnswer | null): ReadonlySet<string> {
  const known = new Set([...numbersOf(prompt).map(canonicalNumber), final?.value]);
  return new Set(
    numbersOf(text)
      .map(canonicalNumber)
      .filter((number) => !known.has(number)),
  );
}

/**
 * Whether the scorer has learnt of such answers: a number for a question with numbers, named as the result or calculated,
 * or the letter of an option. Of a letter to a customer or a summary it knows nothing.
 */
export function isKnownGround(prompt: string, answer: string): boolean {
  const [question, text] = [clip(prompt), clip(answer)];
  const listsOptions = optionsOf(question).length > 0;
  const hasNumbers = numbersOf(question).length >= 2;
  // Most questions: no answer to them needs to be read.
  if (!listsOptions && !hasNumbers) return false;
  const final = finalAnswerOf(text, question);
  if (final?.kind === 'letter') return listsOptions;
  return final?.kind === 'number' && hasNumbers && (final.marked || equationsOf(text).length > 0);
}

function featuresOf(prompt: string, text: string, options: Option[], final: FinalAnswer | null) {
  return {
    ...promptFeatures(prompt),
    ...answerFeatures(prompt, text, final),
    ...choiceFeatures(options, text, final),
  };
}

/** The features by name, in the order of their values. */
export const denseNames = Object.keys(featuresOf('', '', [], null));

/** Those of a question that lists options. */
export const choiceNames = Object.keys(choiceFeatures([], '', null));

/** Those of what an answer says, whoever has written it. */
export const contentNames = [
  'unused_numbers',
  'most_operands',
  'finals',
  'corrects',
  'tries_again',
  'hedges',
  'refuses',
  'lacks_facts',
  'contrasts',
];
