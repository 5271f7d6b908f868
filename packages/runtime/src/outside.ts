import { lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

import { signedHeaders } from './signed-headers.ts';

/** A user's server, which is a stranger's: where it is, which addresses it may have, and the secrets that sign what it is sent. */
export interface Outside {
  url: URL;
  mayReach: (address: string) => boolean;
  secrets: string[];
}

export interface OutsideAnswer {
  /** Null where there was no answer. */
  status: number | null;
  /** What the receiver asked to wait, in ms. */
  retryAfterMs: number | null;
  /** What was read of the answer; empty where nothing was. */
  body: string;
  /** Why there was no success, for the log; never the receiver's words. */
  error: string | null;
  durationMs: number;
}

interface OutsideLimits {
  /** From the look-up of the name to the last byte that is read. */
  timeoutMs: number;
  /** Bytes of an answer that are read; a longer one is an error. 0 reads none. */
  mostBytes: number;
}

/**
 * Posts a signed body to a stranger's server, once: no redirect is followed, and the connection goes to an address that was checked.
 *
 * @param id of what is told: the same over all tries
 */
export async function postOutside(outside: Outside, id: string, body: string, limits: OutsideLimits): Promise<OutsideAnswer> {
  const startedAt = performance.now();
  const durationMs = (): number => Math.round(performance.now() - startedAt);
  try {
    const answer = await post(outside, signedHeaders(id, new Date(), body, outside.secrets), body, limits);
    const succeeded = answer.status !== null && answer.status >= 200 && answer.status < 300;
    return { ...answer, error: succeeded ? null : `the receiver answered ${answer.status}`, durationMs: durationMs() };
  } catch (error) {
    return { status: null, retryAfterMs: null, body: '', error: reasonOf(error, limits.timeoutMs), durationMs: durationMs() };
  }
}

type Read = Pick<OutsideAnswer, 'status' | 'retryAfterMs' | 'body'>;

function post(
  { url, mayReach }: Outside,
  headers: Record<string, string>,
  body: string,
  { timeoutMs, mostBytes }: OutsideLimits,
): Promise<Read> {
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // A connection of its own: none is kept that was checked under other rules.
    agent: false,
    lookup: checkedLookup(mayReach),
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const unanswered = (): void => reject(new Error('the receiver closed the connection without an answer'));
    const answered = (response: IncomingMessage): void => {
      request.off('close', unanswered);
      const { statusCode: status = null, headers: answerHeaders } = response;
      const retryAfterMs = retryAfterOf(answerHeaders['retry-after']);
      readBody(response, mostBytes).then((text) => resolve({ status, retryAfterMs, body: text }), reject);
    };
    const request: ClientRequest =
      url.protocol === 'https:' ? httpsRequest(url, options, answered) : httpRequest(url, options, answered);
    request.on('error', reject).on('close', unanswered);
    // A receiver that switches to another protocol (101) gives no response, and the connection is left to whoever listens here.
    request.on('upgrade', ({ statusCode: status = null }, socket) => {
      socket.destroy();
      resolve({ status, retryAfterMs: null, body: '' });
    });
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (mostBytes === 0) return '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    response.destroy();
  }
}

class ForbiddenAddressError extends Error {}

/** Looks a name up and refuses it unless all its addresses may be reached; the connection is then made to one of these very addresses. */
function checkedLookup(mayReach: Outside['mayReach']): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || first === undefined) return callback(error ?? new Error(`${hostname} has no address`), '');
      const forbidden = addresses.find(({ address }) => !mayReach(address));
      if (forbidden)
        return callback(
          new ForbiddenAddressError(`${hostname} resolves to ${forbidden.address}, which is no public address`),
          '',
        );
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

/** Seconds, or a date (RFC 9110). */
function retryAfterOf(header: string | undefined): number | null {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return `no answer within ${timeoutMs / 1000} s`;
  if (error instanceof AggregateError) return error.errors.map((one: unknown) => reasonOf(one, timeoutMs)).join('; ');
  return error.message;
}
