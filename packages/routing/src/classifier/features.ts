import { mixed, pairHash } from './hash.ts';
import { readPrompt } from './read-prompt.ts';
import type { PromptReading } from './read-prompt.ts';
import { signalsOf } from './signals.ts';

/** Prompts that list options to choose from, and all others: what makes the one hard says little of the other. */
export const promptKinds = ['plain', 'options'] as const;
export type PromptKind = (typeof promptKinds)[number];

/** Words and pairs of words fall into so many buckets, by their hash. */
export const TEXT_BUCKETS = 16_384;
/** Words that training has seen are remembered by so many bits. */
export const KNOWN_BITS = 65_536;

/** What the trained classifier sees of a prompt. */
export interface PromptFeatures {
  reading: PromptReading;
  kind: PromptKind;
  signals: number[];
  /** The buckets of words and pairs that occur, each once, and their values, together of length 1. */
  buckets: number[];
  values: number[];
}

export function promptFeatures(prompt: string): PromptFeatures {
  const reading = readPrompt(prompt);
  return {
    reading,
    kind: reading.options.length >= 2 ? 'options' : 'plain',
    signals: signalsOf(reading),
    ...textOf(reading.tokens),
  };
}

/** The bit of a word among those that training has seen. */
export function knownBit(token: number): number {
  return mixed(token) % KNOWN_BITS;
}

/** Reused between prompts, and always left empty. */
const counts = new Uint16Array(TEXT_BUCKETS);

function textOf(tokens: number[]): Pick<PromptFeatures, 'buckets' | 'values'> {
  const buckets: number[] = [];
  const count = (bucket: number): void => {
    if (counts[bucket] === 0) buckets.push(bucket);
    counts[bucket] = counts[bucket]! + 1;
  };
  for (let index = 0; index < tokens.length; index += 1) {
    count(mixed(tokens[index]!) % TEXT_BUCKETS);
    if (index > 0) count(pairHash(tokens[index - 1]!, tokens[index]!) % TEXT_BUCKETS);
  }
  let square = 0;
  const values = buckets.map((bucket) => {
    const value = Math.log1p(counts[bucket]!);
    counts[bucket] = 0;
    square += value * value;
    return value;
  });
  const length = Math.sqrt(square) || 1;
  return { buckets, values: values.map((value) => value / length) };
}
