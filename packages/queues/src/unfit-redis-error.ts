/** Redis is not fit to hold what clients were promised, or can not be reached as it was named. */
export class UnfitRedisError extends Error {
  readonly expected = true;
}
