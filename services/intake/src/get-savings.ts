import { readSavings } from '@upshift/queues';
import type { RequestHandler } from 'express';
import { z } from 'zod';

import { parse } from './parse.ts';
import type { Tools } from './tools.ts';
import { wholeNumber } from './whole-number.ts';

/** As long as sums of days are kept. */
const MOST_DAYS = 400;

const savingsQuery = z.strictObject({ days: wholeNumber(MOST_DAYS).default(7) });

/** `GET /v1/savings`: what was paid, and what the same jobs would have cost otherwise. */
export function getSavings({ cells }: Tools): RequestHandler {
  return async (request, response) => {
    const { days } = parse(savingsQuery, request.query, 'invalid_query');
    response.json(await readSavings(cells, days));
  };
}
