import { mixed, pairHash } from './hash.ts';
import { readPrompt } from './read-prompt.ts';
import type { PromptReading } from './read-prompt.ts';
import { signalsOf } from './signals.ts';

/** Prompts that list options to choose from, and all others: what makes the one hard says little of the other. */
export const promptKinds = ['plain', 'options'] as const;
export type PromptKind = (typeof promptKinds)[number];

/** Words and pairs of words fall into so many buckets, by the low end of their hash: a power of two. */
export const TEXT_BUCKETS = 16_384;
const LAST_BUCKET = TEXT_BUCKETS - 1;
/** Words that training has seen are remembered by so many bits: a power of two. */
export const KNOWN_BITS = 65_536;
const LAST_KNOWN_BIT = KNOWN_BITS - 1;

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
  return mixed(token) & LAST_KNOWN_BIT;
}

/** Reused between prompts, and always left empty. */
const counts = new Uint16Array(TEXT_BUCKETS);
/** log(1 + n) of the counts that are usual. */
const logs = Float64Array.from({ length: 64 }, (_, count) => Math.log1p(count));

function textOf(tokens: number[]): Pick<PromptFeatures, 'buckets' | 'values'> {
  const buckets: number[] = [];
  let before = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index]!;
    count(mixed(token) & LAST_BUCKET, buckets);
    if (index > 0) count(pairHash(before, token) & LAST_BUCKET, buckets);
    before = token;
  }
  return { buckets, values: valuesOf(buckets) };
}

function count(bucket: number, buckets: number[]): void {
  if (counts[bucket] === 0) buckets.push(bucket);
  counts[bucket] = counts[bucket]! + 1;
}

function valuesOf(buckets: number[]): number[] {
  const values = buckets.map((bucket) => logs[counts[bucket]!] ?? Math.log1p(counts[bucket]!));
  let square = 0;
  for (let index = 0; index < buckets.length; index += 1) {
    counts[buckets[index]!] = 0;
    square += values[index]! * values[index]!;
  }
  const length = Math.sqrt(square) || 1;
  for (let index = 0; index < values.length; index += 1) values[index] = values[index]! / length;
  return values;
}
