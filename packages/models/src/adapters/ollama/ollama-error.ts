import type { CallErrorCode } from '@upshift/contracts';

import { failureOfTransport, failureOfVendor } from '../../call-failure.ts';
import type { Failure } from '../../call-failure.ts';

/** A status of 400 or above, with what the SDK's own error leaves out: the headers. */
export class OllamaStatusError extends Error {
  readonly status: number;
  readonly headers: Headers;

  constructor(status: number, headers: Headers, message: string) {
    super(message);
    this.name = 'OllamaStatusError';
    this.status = status;
    this.headers = headers;
  }
}

/** `{"error": …}` in place of an answer, after status 200. */
export class OllamaStreamError extends Error {}

const noCodes: Readonly<Record<string, CallErrorCode>> = {};

/** What the SDK has thrown, in the words that all vendors share; null for a bug of ours. */
export function ollamaFailure(error: unknown): Failure | null {
  if (error instanceof OllamaStatusError) {
    const { status, headers, message } = error;
    return failureOfVendor({ status, labels: [], message, headers, requestId: null }, noCodes);
  }
  if (error instanceof OllamaStreamError) return { code: 'provider_error', detail: 'in the stream', maybeBilled: true };
  // The SDK's plain Error for a stream that ends early.
  if (error instanceof Error && error.message.startsWith('Did not receive done')) {
    return { code: 'provider_error', detail: 'the stream ended before it was done', maybeBilled: true };
  }
  return failureOfTransport(error);
}
