import { fieldErrors, ProblemError } from '@upshift/contracts';
import { readSavings } from '@upshift/queues';
import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Tools } from './tools.ts';
import { wholeNumber } from './whole-number.ts';

/** As long as sums of days are kept. */
const MOST_DAYS = 400;

const savingsQuery = z.strictObject({ days: wholeNumber(MOST_DAYS).default(7) });

/** `GET /v1/savings`: what was paid, and what the same jobs would have cost otherwise. */
export function getSavings({ cells }: Tools): RequestHandler {
  return async (request, response) => {
    const parsed = savingsQuery.safeParse(request.query);
    if (!parsed.success) throw ProblemError.ofFields('invalid_query', fieldErrors(parsed.error, request.query, savingsQuery));
    response.json(await readSavings(cells, parsed.data.days));
  };
}
