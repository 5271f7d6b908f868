import { z } from 'zod';

/** A whole number from 1 on in a query, with one sentence for whatever else stands there. */
export function wholeNumber(most: number): z.ZodType<number> {
  const error = `must be a whole number from 1 to ${most}`;
  return z.coerce.number(error).refine((value) => Number.isInteger(value) && value >= 1 && value <= most, error);
}
