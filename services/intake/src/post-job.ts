import type { JobView } from '@upshift/contracts';
import { idempotencyKey, isTerminal, parseJobRequest, ProblemError } from '@upshift/contracts';
import { accept } from '@upshift/queues';
import type { Request, RequestHandler, Response } from 'express';

import { readView } from './read-view.ts';
import type { Tools } from './tools.ts';

/** Longest that a client may wait within one request, in seconds: proxies cut idle connections at about 60. */
const LONGEST_WAIT_S = 55;
/** When to ask for a job that is not finished, in seconds. */
const RETRY_AFTER_S = 1;

/** `POST /v1/jobs`: 202 with the job, or 200 with its result where the client waits and it ends in time. */
export function postJob(tools: Tools): RequestHandler {
  return async (request, response) => {
    const parsed = parseJobRequest(request.body);
    if ('errors' in parsed) throw ProblemError.ofFields('invalid_job', parsed.errors);
    const key = idempotencyKeyOf(request);
    const { id } = await accept(tools.pipeline, parsed.request, key === null ? null : { key });
    const waitSeconds = waitOf(request);
    if (waitSeconds !== null) response.set('Preference-Applied', `wait=${waitSeconds}`);
    const view = waitSeconds === null ? await readView(tools.pipeline, id) : await waitFor(tools, id, waitSeconds, response);
    response.location(`/v1/jobs/${id}`);
    if (waitSeconds !== null && isTerminal(view.status)) return void response.status(200).json(view);
    response.status(202).set('Retry-After', String(RETRY_AFTER_S)).json(view);
  };
}

/** The value of the header, or null. */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.get('Idempotency-Key');
  if (key === undefined) return null;
  const parsed = idempotencyKey.safeParse(key);
  if (parsed.success) return parsed.data;
  throw new ProblemError('invalid_header', `Idempotency-Key ${parsed.error.issues[0]?.message ?? ''}`);
}

/** The seconds of `Prefer: wait=N` (RFC 7240), or null. */
function waitOf(request: Request): number | null {
  const wait = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/.exec(request.get('Prefer') ?? '')?.[1];
  return wait === undefined ? null : Math.min(LONGEST_WAIT_S, Number(wait));
}

/** Listens first and reads then, so that an end between the two is not missed. */
async function waitFor(
  { pipeline, signals, stopping }: Tools,
  id: string,
  seconds: number,
  response: Response,
): Promise<JobView> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const ended = signals.ended(id, AbortSignal.any([AbortSignal.timeout(seconds * 1000), stopping, gone.signal]));
  const view = await readView(pipeline, id);
  if (isTerminal(view.status)) return (gone.abort(), view);
  await ended;
  return readView(pipeline, id);
}
