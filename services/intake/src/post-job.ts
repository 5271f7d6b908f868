import { idempotencyKey, isTerminal, ProblemError } from '@upshift/contracts';
import { readJobBody, viewOf } from '@upshift/routing';
import type { Request, RequestHandler } from 'express';

import { acceptInSpan } from './accept-in-span.ts';
import { viewAfterWait } from './prefer-wait.ts';
import type { Tools } from './tools.ts';

/** When to ask for a job that is not finished, in seconds. */
const RETRY_AFTER_S = 1;

/** `POST /v1/jobs`: 202 with the job, or 200 with its result where the client waits and it ends in time. */
export function postJob(tools: Tools): RequestHandler {
  return async (request, response) => {
    const job = readJobBody(request.body);
    const key = idempotencyKeyOf(request);
    const asked = { request: job, key, seed: seedOf(request) };
    const { id, state } = await acceptInSpan(tools.cells, asked, request.get('traceparent'));
    const accepted = state && viewOf(state, job, null);
    const view = await viewAfterWait(tools, id, request, response, accepted);
    response.location(`/v1/jobs/${id}`);
    if (response.hasHeader('Preference-Applied') && isTerminal(view.status)) return void response.status(200).json(view);
    response.status(202).set('Retry-After', String(RETRY_AFTER_S)).json(view);
  };
}

/** The value of the header, or null. */
export function idempotencyKeyOf(request: Pick<Request, 'get'>): string | null {
  const key = request.get('Idempotency-Key');
  if (key === undefined) return null;
  const parsed = idempotencyKey.safeParse(key);
  if (parsed.success) return parsed.data;
  throw new ProblemError('invalid_header', `Idempotency-Key ${parsed.error.issues[0]?.message ?? ''}`);
}

/** The number of the header `Upshift-Seed`, by which a job that is played again draws as it did before. */
function seedOf(request: Request): number | undefined {
  const header = request.get('Upshift-Seed');
  if (header === undefined) return undefined;
  const seed = Number(header);
  if (header.trim() !== '' && seed >= 0 && seed < 1) return seed;
  throw new ProblemError('invalid_header', `Upshift-Seed is ${header}; it is a number from 0 to below 1`);
}
