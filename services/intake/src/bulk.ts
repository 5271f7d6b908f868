import { once } from 'node:events';

import { fieldError, idempotencyKey, ProblemError } from '@upshift/contracts';
import type { Accepted, Cells } from '@upshift/queues';
import { readJobBody } from '@upshift/routing';
import type { Request, RequestHandler, Response } from 'express';

import { acceptEachInSpan } from './accept-in-span.ts';
import type { Unspanned } from './accept-in-span.ts';
import { problemOf, problemViewOf } from './problems.ts';
import { idempotencyKeyOf } from './post-job.ts';
import { splitLines } from './split-lines.ts';
import type { Line } from './split-lines.ts';
import type { Tools } from './tools.ts';

/** Chunks of one request whose lines are being accepted at once; their answers keep the order of the lines. */
const IN_HAND = 4;

/**
 * `POST /v1/jobs` with `application/x-ndjson`: a job per line in, its id or its error per line out. What is in memory is `IN_HAND`
 * chunks: where the client does not read the answer, its request is not read on either.
 */
export function postJobs({ cells }: Tools): RequestHandler {
  const { logger, config } = cells;
  return async (request, response) => {
    refuseUnreadable(request);
    const headers = { key: idempotencyKeyOf(request), traceparent: request.get('traceparent') };
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.status(200).type('application/x-ndjson').set('X-Accel-Buffering', 'no');
    response.flushHeaders();
    try {
      const chunks = splitLines(request, config.intake.body_limit_bytes);
      await answerChunks(chunks, (lines) => answersOf(cells, lines, headers), response, gone.signal);
      response.end();
    } catch (error) {
      // The client went away in the middle: what was accepted stays accepted.
      if (!gone.signal.aborted && !request.destroyed) throw error;
      logger.info({ reason: String(error) }, 'bulk request broken off');
    }
  };
}

/** Before anything is answered: of bytes that are not read as they were meant each line would be refused. */
function refuseUnreadable(request: Request): void {
  const encoding = request.get('Content-Encoding') ?? 'identity';
  if (!/^identity$/i.test(encoding))
    throw new ProblemError('unsupported_media_type', `Content-Encoding is ${encoding}; send lines as they are, without one`);
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.get('Content-Type') ?? '') ?? [];
  if (!/^utf-?8$/i.test(charset))
    throw new ProblemError('unsupported_media_type', `the charset of Content-Type is ${charset}; send lines in utf-8`);
}

/** Keeps up to `IN_HAND` chunks in work and writes their answers in order, each chunk's in one piece. */
async function answerChunks(
  chunks: AsyncIterable<Line[]>,
  answer: (lines: Line[]) => Promise<string>,
  response: Response,
  gone: AbortSignal,
): Promise<void> {
  const inHand: Promise<void>[] = [];
  let written = Promise.resolve();
  for await (const lines of chunks) {
    if (gone.aborted) return;
    written = writeAfter(written, answer(lines), response, gone);
    // It is heard of where it is waited for, here or at the end.
    written.catch(() => undefined);
    inHand.push(written);
    if (inHand.length >= IN_HAND) await inHand.shift();
  }
  await written;
}

async function writeAfter(before: Promise<void>, answers: Promise<string>, response: Response, gone: AbortSignal): Promise<void> {
  const [text] = await Promise.all([answers, before]);
  if (!response.write(text)) await once(response, 'drain', { signal: gone });
}

/** What the headers of a bulk request say of all its lines. */
interface BulkHeaders {
  key: string | null;
  traceparent: string | undefined;
}

async function answersOf(cells: Cells, lines: Line[], headers: BulkHeaders): Promise<string> {
  const read = lines.map((line) => readLine(line, headers));
  const asked = read.filter((one): one is Unspanned => !(one instanceof Error));
  const results = await acceptEachInSpan(cells, asked, headers.traceparent);
  let next = 0;
  return lines
    .map(({ number }, position) => {
      const refused = read[position]!;
      return answerOf(cells, number, refused instanceof Error ? refused : results[next++]!);
    })
    .join('');
}

function answerOf({ logger }: Cells, line: number, result: Accepted | Error): string {
  if (!(result instanceof Error)) return `${JSON.stringify({ line, id: result.id, created: result.created })}\n`;
  const problem = problemOf(result);
  if (problem.code === 'internal_error') logger.error({ line, reason: String(result) }, 'a line failed');
  return `${JSON.stringify({ line, error: problemViewOf(problem, '/v1/jobs') })}\n`;
}

function readLine({ number, text, tooLong }: Line, headers: BulkHeaders): Unspanned | Error {
  try {
    if (tooLong !== null) throw new ProblemError('body_too_large', `the line is longer than ${tooLong} bytes`);
    if (text === null) throw new ProblemError('malformed_json', 'the line is not UTF-8');
    const { key, body } = readBody(text);
    return { request: readJobBody(body), key: key ?? (headers.key === null ? null : `${headers.key}/${number}`) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A line is a job, with or without an `idempotency_key`. */
function readBody(text: string): { key: string | null; body: unknown } {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProblemError('invalid_job', 'a line must be a JSON object: a job');
  if (!('idempotency_key' in value)) return { key: null, body: value };
  const { idempotency_key: key, ...body } = value;
  const parsed = idempotencyKey.safeParse(key);
  if (parsed.success) return { key: parsed.data, body };
  const message = parsed.error.issues[0]?.message ?? '';
  throw ProblemError.ofFields('invalid_job', [fieldError(['idempotency_key'], message, key)]);
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
