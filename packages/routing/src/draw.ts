/**
 * A number in [0, 1) that depends on the seed and the index alone (the finisher of MurmurHash3), so that a decision
 * made twice for the same job is the same decision.
 */
export function draw(seed: number, index: number): number {
  let hash = Math.imul(Math.floor(seed * 0x1_0000_0000) ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 0x1_0000_0000;
}
