import { lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

import { isPublicAddress } from '@upshift/routing';
import type { DeliveryResult } from '@upshift/routing';

export interface Sent extends DeliveryResult {
  /** Why there was no success, for the log; never the receiver's words. */
  error: string | null;
  durationMs: number;
}

export interface SendLimits {
  allowPrivate: boolean;
  timeoutMs: number;
}

/**
 * Posts a body, once: no redirect is followed, nothing of the answer but status and `Retry-After` is read, and the
 * connection goes to an address that was checked.
 */
export async function send(url: URL, headers: Record<string, string>, body: string, limits: SendLimits): Promise<Sent> {
  const startedAt = performance.now();
  const durationMs = (): number => Math.round(performance.now() - startedAt);
  try {
    const { status, retryAfterMs } = await post(url, headers, body, limits);
    const succeeded = status !== null && status >= 200 && status < 300;
    return { status, retryAfterMs, error: succeeded ? null : `the receiver answered ${status}`, durationMs: durationMs() };
  } catch (error) {
    return { status: null, retryAfterMs: null, error: reasonOf(error, limits.timeoutMs), durationMs: durationMs() };
  }
}

function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  { allowPrivate, timeoutMs }: SendLimits,
): Promise<DeliveryResult> {
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // A connection of its own: none is kept that was checked under other rules.
    agent: false,
    lookup: checkedLookup(allowPrivate),
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      resolve({ status: response.statusCode ?? null, retryAfterMs: retryAfterOf(response.headers['retry-after']) });
      response.destroy();
    };
    const request: ClientRequest =
      url.protocol === 'https:' ? httpsRequest(url, options, answered) : httpRequest(url, options, answered);
    request.on('error', reject);
    request.end(body);
  });
}

class ForbiddenAddressError extends Error {}

/** Looks a name up and refuses it unless all its addresses are public; the connection is then made to one of these very addresses. */
function checkedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || first === undefined) return callback(error ?? new Error(`${hostname} has no address`), '');
      const forbidden = allowPrivate ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
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
