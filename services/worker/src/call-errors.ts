import type { CallError, CallErrorCode } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import type { NotNow } from '@upshift/routing';

/** The call was wanted by a time that has passed while it waited: it is not made. */
export function tooLate(model: string): CallError {
  return notCalled(model, 'timeout', 'waited too long for a worker to be of use');
}

/** The other call has answered, or the worker stops, before this one was sent. */
export function notNeeded(model: string): CallError {
  return notCalled(model, 'aborted', 'not needed any more');
}

/** A limit lasts too long: its `retryAfterMs` is longer than any wait, so another model is asked. */
export function noPlace(model: string, message: string, waitMs: number): CallError {
  return { ...notCalled(model, 'rate_limited', message), retryable: true, retryAfterMs: Math.max(waitMs, 60_000) };
}

/** The model is left alone, by what all processes know of it. */
export function notNow(model: string, { code, message, retryAfterMs }: NotNow): CallError {
  return { ...notCalled(model, code, message), retryAfterMs };
}

/** The call was sent by a worker that died before it knew what became of it. */
export function unknownOutcome(model: string): CallError {
  const message = 'the worker died during the call; it may have been billed';
  return { ...notCalled(model, 'outcome_unknown', message), retryable: true, maybeBilled: true };
}

function notCalled(model: string, code: CallErrorCode, message: string): CallError {
  return {
    code,
    message,
    retryable: false,
    retryAfterMs: null,
    maybeBilled: false,
    provider: splitModelId(model).provider,
    status: null,
    requestId: null,
  };
}
