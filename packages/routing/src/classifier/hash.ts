/** Where FNV-1a begins. */
export const EMPTY_HASH = 0x811c9dc5;

/** One more UTF-16 unit in an FNV-1a hash of 32 bits. */
export function hashed(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

/** The hash of a whole word, in lower case. */
export function hashOf(word: string): number {
  let hash = EMPTY_HASH;
  for (let index = 0; index < word.length; index += 1) hash = hashed(hash, word.charCodeAt(index));
  return hash;
}

/** A well-mixed hash of a hash and the one before it: two words in this order. */
export function pairHash(first: number, second: number): number {
  return mixed(Math.imul(first, 0x9e3779b1) ^ second);
}

/** Spreads a hash over all bits, since buckets are its lowest ones (the end of murmur3). */
export function mixed(hash: number): number {
  let value = hash ^ (hash >>> 16);
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
