import { badShape, check, MOST_CHECKS, parseJobRequest, ProblemError } from '@upshift/contracts';
import type { FieldError, JobRequest } from '@upshift/contracts';

import { badChecks } from './score.ts';

/** Reads the body of `POST /v1/jobs`. Throws a `ProblemError` with every bad field; of one that can not be read at all, with that alone. */
export function readJobBody(body: unknown): JobRequest {
  const bad = badShape(body);
  if (bad) throw ProblemError.ofFields('invalid_job', [bad]);
  const parsed = parseJobRequest(body);
  if ('errors' in parsed) throw ProblemError.ofFields('invalid_job', [...parsed.errors, ...badAmongChecks(body)]);
  return parsed.request;
}

/** What is wrong with those checks of a bad body whose own shape is right, so that one of them does not hide behind another field. */
function badAmongChecks(body: unknown): FieldError[] {
  const checks = typeof body === 'object' && body !== null && 'checks' in body ? body.checks : null;
  if (!Array.isArray(checks)) return [];
  const read = checks.slice(0, MOST_CHECKS).map((given: unknown) => check.safeParse(given).data ?? null);
  return badChecks(read, 'checks');
}
