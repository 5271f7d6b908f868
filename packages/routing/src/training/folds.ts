/** Questions are learnt of in five turns, each without a fifth of them. */
export const FOLDS = 5;

/** The same question, by the hash that is its id, is in the same fold in every set. */
export function foldOf(id: string): number {
  return Number.parseInt(id.slice(0, 6), 16) % FOLDS;
}
