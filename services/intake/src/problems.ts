import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

import { problemStatus, ProblemError } from '@upshift/contracts';
import type { ProblemCode, ProblemView } from '@upshift/contracts';
import { isRedisAway } from '@upshift/queues';
import type { Logger } from '@upshift/runtime';
import type { ErrorRequestHandler, Express, Request, RequestHandler } from 'express';

const titles: Record<ProblemCode, string> = {
  malformed_json: 'The body is not JSON',
  invalid_header: 'A header can not be used',
  recording_off: 'Recording is off',
  not_found: 'There is no such thing',
  method_not_allowed: 'The method is not allowed here',
  body_too_large: 'The body is too large',
  unsupported_media_type: 'The media type is not supported',
  invalid_job: 'The job can not be accepted as it is',
  unknown_route: 'There is no such route',
  unknown_model: 'There is no such model',
  no_capable_model: 'No model can do this job',
  unknown_webhook: 'There is no such webhook',
  invalid_webhook: 'The webhook can not be used',
  webhook_exists: 'The webhook exists already',
  job_not_ended: 'The job has not ended yet',
  invalid_verdict: 'The verdict can not be used',
  not_judgeable: 'There is no answer that a verdict could be about',
  invalid_experiment: 'The experiment can not be used',
  experiment_exists: 'The experiment exists already',
  experiment_conflict: 'Another experiment overrides the same thing',
  experiment_state: 'The experiment is not in a state for that',
  invalid_query: 'The query can not be used',
  idempotency_key_reused: 'The idempotency key belongs to another job',
  backlog_full: 'The backlog is full',
  queue_unavailable: 'The queue is not available',
  internal_error: 'An error of the server',
};

/** The last handlers: an unknown path and every error become `application/problem+json`. */
export function answerWithProblem(app: Express, logger: Logger): void {
  app.all(['/livez', '/readyz', '/metrics'], methodNotAllowed('GET'));
  app.use((request) => {
    throw new ProblemError('not_found', `there is nothing at ${request.path}; GET /openapi.json lists what there is`);
  });
  const handler: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    const problem = problemOf(error);
    if (problem.code === 'internal_error')
      logger.error({ path: request.path, reason: error instanceof Error ? error.stack : String(error) }, 'request failed');
    if (response.headersSent) return void response.destroy();
    if (problem.retryAfterSeconds !== null) response.set('Retry-After', String(problem.retryAfterSeconds));
    response
      .status(problemStatus[problem.code])
      .type('application/problem+json')
      .send(JSON.stringify(problemViewOf(problem, request.originalUrl)));
  };
  app.use(handler);
}

export function methodNotAllowed(allowed: string): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed);
    throw new ProblemError('method_not_allowed', `${request.method} is not allowed on ${request.path}; use ${allowed}`);
  };
}

/** Requests that are nothing without a body. */
const needBody = new WeakSet<IncomingMessage>();

export const requireJson: RequestHandler = (request, response, next) => {
  if (isEmpty(request)) throw emptyBody();
  needBody.add(request);
  refuseOtherTypes(request, response, next);
};

/** For the reader of bodies: that one of unknown length is empty, or is in another encoding than it says, shows when it has been read. */
export function refuseBadBytes(request: IncomingMessage, _response: unknown, bytes: Buffer, charset: string): void {
  if (bytes.length === 0 && needBody.has(request)) throw emptyBody();
  if (charset === 'utf-8' && !isUtf8(bytes)) throw new ProblemError('malformed_json', 'the body is not UTF-8');
}

function emptyBody(): ProblemError {
  return new ProblemError('malformed_json', 'the body is empty; send a JSON object');
}

/**
 * A body may be missing; one that is there must be JSON, or it would be ignored in silence. Proxies may announce one of unknown length where
 * there is none; then it has no type.
 */
export const allowJson: RequestHandler = (request, response, next) => {
  const { 'content-type': type, 'content-length': length } = request.headers;
  if (isEmpty(request) || (type === undefined && length === undefined)) return next();
  refuseOtherTypes(request, response, next);
};

const refuseOtherTypes: RequestHandler = (request, _response, next) => {
  if (request.is('application/json')) return next();
  throw new ProblemError(
    'unsupported_media_type',
    `Content-Type is ${request.get('Content-Type') ?? 'missing'}; send application/json, or application/x-ndjson to /v1/jobs`,
  );
};

function isEmpty(request: Request): boolean {
  return request.get('Transfer-Encoding') === undefined && Number(request.get('Content-Length') ?? 0) === 0;
}

/** A problem as a client sees it. */
export function problemViewOf({ code, message, errors }: ProblemError, instance: string): ProblemView {
  return {
    type: `urn:upshift:problem:${code}`,
    title: titles[code],
    status: problemStatus[code],
    detail: message,
    instance,
    code,
    errors,
  };
}

/** What a client may know of an error. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof URIError)
    return new ProblemError('not_found', 'the path can not be decoded; a % in it must be followed by two hexadecimal digits');
  const { type, limit, status, message = '' } = error as { type?: string; limit?: number; status?: number; message?: string };
  if (type === 'entity.too.large') return new ProblemError('body_too_large', `the body is larger than ${limit} bytes`);
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new ProblemError('unsupported_media_type', message);
  // A body that is not JSON, or breaks off.
  if (status === 400) return new ProblemError('malformed_json', message);
  if (isRedisAway(error))
    return new ProblemError(
      'queue_unavailable',
      'Redis does not answer; send it again with the same Idempotency-Key, so that it is accepted once',
      { retryAfterSeconds: 2 },
    );
  return new ProblemError('internal_error', 'this is a bug or an outage of ours; the log has the details');
}
