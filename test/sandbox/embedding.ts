import { z } from 'zod';

const DIMENSIONS = 64;
const LONGEST_NGRAM = 2;

/** What both vendors' embedding requests share: text, texts, or (OpenAI) token numbers. */
export const embeddingInput = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1),
  z.array(z.number()).min(1),
  z.array(z.array(z.number()).min(1)).min(1),
]);

export const embeddingDimensions = z.int().min(1).max(4096).optional();

/** One text per vector; tokens are taken as words. */
export function inputTexts(input: z.output<typeof embeddingInput>): string[] {
  if (typeof input === 'string') return [input];
  if (typeof input[0] === 'number') return [input.join(' ')];
  return input.map((item) => (Array.isArray(item) ? item.join(' ') : String(item)));
}

/** A unit vector which is always the same for a text, and alike for texts that share words and pairs of words. */
export function embed(text: string, dimensions = DIMENSIONS): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const ngram of ngrams(text)) {
    const hash = fnv1a(ngram);
    vector[hash % dimensions]! += hash & 0x8000_0000 ? -1 : 1;
  }
  return unit(vector);
}

function ngrams(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.flatMap((_, start) =>
    Array.from({ length: Math.min(LONGEST_NGRAM, words.length - start) }, (_unused, more) =>
      words.slice(start, start + more + 1).join(' '),
    ),
  );
}

/** FNV-1a, 32 bits: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  // A text without words, or whose n-grams cancel out, still needs a direction.
  if (length === 0) return vector.map((_, index) => (index === 0 ? 1 : 0));
  return vector.map((value) => value / length);
}

/** A vector as OpenAI's `encoding_format: "base64"` has it: little-endian 32-bit floats. */
export function toBase64(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}
