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

/** The window is what the server takes memory for before it answers. */
const memoryShort = /requires more system memory|out of memory|(insufficient|not enough) memory/i;
const memoryHint = 'memory is short: a smaller context_window needs less';

/** What the SDK has thrown, in the words that all vendors share; null for a bug of ours. */
export function ollamaFailure(error: unknown): Failure | null {
  if (error instanceof OllamaStatusError) {
    const { status, headers, message } = error;
    const failure = failureOfVendor({ status, labels: [], message, headers, requestId: null }, noCodes);
    return status === 500 && memoryShort.test(message) ? { ...failure, detail: `${failure.detail}; ${memoryHint}` } : failure;
  }
  if (error instanceof OllamaStreamError) return { code: 'provider_error', detail: 'in the stream', maybeBilled: true };
  // The SDK's plain Error for a stream that ends early.
  if (error instanceof Error && error.message.startsWith('Did not receive done')) {
    return { code: 'provider_error', detail: 'the stream ended before it was done', maybeBilled: true };
  }
  return failureOfTransport(error);
}
