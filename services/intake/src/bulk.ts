import { once } from 'node:events';

import { idempotencyKey, parseJobRequest, ProblemError } from '@upshift/contracts';
import type { Accepted, Cells } from '@upshift/queues';
import type { RequestHandler, Response } from 'express';

import { acceptInSpan } from './accept-in-span.ts';
import { problemOf, problemViewOf } from './problems.ts';
import { idempotencyKeyOf } from './post-job.ts';
import { splitLines } from './split-lines.ts';
import type { Line } from './split-lines.ts';
import type { Tools } from './tools.ts';

/** Lines of one request that are being accepted at once; their answers keep the order of the lines. */
const IN_HAND = 64;

/**
 * `POST /v1/jobs` with `application/x-ndjson`: a job per line in, its id or its error per line out. What is in memory is
 * `IN_HAND` lines: where the client does not read the answer, its request is not read on either.
 */
export function postJobs({ cells }: Tools): RequestHandler {
  const { logger, config } = cells;
  return async (request, response) => {
    const key = idempotencyKeyOf(request);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.status(200).type('application/x-ndjson').set('X-Accel-Buffering', 'no');
    response.flushHeaders();
    try {
      await answerLines(
        splitLines(request, config.intake.body_limit_bytes),
        (line) => answerOf(cells, line, { key, traceparent: request.get('traceparent') }),
        response,
        gone.signal,
      );
      response.end();
    } catch (error) {
      // The client went away in the middle: what was accepted stays accepted.
      if (!gone.signal.aborted && !request.destroyed) throw error;
      logger.info({ reason: String(error) }, 'bulk request broken off');
    }
  };
}

/** Keeps up to `IN_HAND` lines in work and writes their answers in order. */
async function answerLines(
  lines: AsyncIterable<Line>,
  answer: (line: Line) => Promise<object>,
  response: Response,
  gone: AbortSignal,
): Promise<void> {
  const inHand: Promise<object>[] = [];
  const writeFirst = async (): Promise<void> => {
    const first = await inHand.shift();
    if (!response.write(`${JSON.stringify(first)}\n`)) await once(response, 'drain', { signal: gone });
  };
  for await (const line of lines) {
    if (gone.aborted) return;
    inHand.push(answer(line));
    if (inHand.length >= IN_HAND) await writeFirst();
  }
  while (inHand.length > 0) await writeFirst();
}

/** What the headers of a bulk request say of all its lines. */
interface BulkHeaders {
  key: string | null;
  traceparent: string | undefined;
}

async function answerOf(cells: Cells, line: Line, headers: BulkHeaders): Promise<object> {
  try {
    const { id, created } = await acceptLine(cells, line, headers);
    return { line: line.number, id, created };
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'internal_error') cells.logger.error({ line: line.number, reason: String(error) }, 'a line failed');
    return { line: line.number, error: problemViewOf(problem, '/v1/jobs') };
  }
}

async function acceptLine(cells: Cells, { number, text, tooLong }: Line, headers: BulkHeaders): Promise<Accepted> {
  if (tooLong !== null) throw new ProblemError('body_too_large', `the line is longer than ${tooLong} bytes`);
  const { key, body } = readLine(text);
  const parsed = parseJobRequest(body);
  if ('errors' in parsed) throw ProblemError.ofFields('invalid_job', parsed.errors);
  const lineKey = key ?? (headers.key === null ? null : `${headers.key}/${number}`);
  return acceptInSpan(cells, parsed.request, lineKey === null ? null : { key: lineKey }, headers.traceparent);
}

/** A line is a job, with or without an `idempotency_key`. */
function readLine(text: string): { key: string | null; body: unknown } {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProblemError('invalid_job', 'a line must be a JSON object: a job');
  const { idempotency_key: key, ...body } = value as Record<string, unknown>;
  if (key === undefined) return { key: null, body };
  const parsed = idempotencyKey.safeParse(key);
  if (parsed.success) return { key: parsed.data, body };
  const message = parsed.error.issues[0]?.message ?? '';
  throw ProblemError.ofFields('invalid_job', [{ field: 'idempotency_key', value: key, message }]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProblemError('malformed_json', error instanceof Error ? error.message : 'the line is not JSON');
  }
}

/** Lets a bulk request by where the type says so; a single job goes on to the next handlers. */
export function onlyBulk(handler: RequestHandler): RequestHandler {
  return (request, response, next) => (request.is('application/x-ndjson') ? handler(request, response, next) : next());
}
