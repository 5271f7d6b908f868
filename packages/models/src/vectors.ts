import { unusableAnswer } from './call-failure.ts';

/** The vectors of an embedding: one of numbers for each text, or there is no answer. */
export function vectorsOf(provider: string, found: unknown[], texts: string[], requestId: string | null): number[][] {
  if (found.length !== texts.length)
    throw unusableAnswer(provider, `${found.length} vectors for ${texts.length} texts`, requestId);
  if (!found.every(isVector)) throw unusableAnswer(provider, 'a vector that is no list of numbers', requestId);
  return found;
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((number) => typeof number === 'number');
}
