import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import type { Call, Vendor } from './endpoint.ts';
import type { Failure } from './failure.ts';

/** How an answer's bytes reach the client: whole, or cut in one of the ways that networks and vendors have. */
export type Manner = 'whole' | 'stalled_body' | 'reset' | 'malformed_json' | { failure: Failure };

export type Delivery = {
  vendor: Vendor;
  call: Call;
  answer: Answer;
  requestId: string;
  response: ServerResponse;
};

type Payload = { whole: string; half: string };

function payloadOf({ call, answer, requestId }: Delivery): Payload {
  const id = requestId.replace('req_', '');
  if (!call.stream) {
    const whole = JSON.stringify(call.body(answer, id));
    return { whole, half: whole.slice(0, Math.ceil(whole.length / 2)) };
  }
  const frames = call.frames(answer, id);
  return { whole: frames.join(''), half: frames.slice(0, Math.ceil(frames.length / 2)).join('') };
}

function writeHead({ vendor, call, requestId, response }: Delivery, body: string): void {
  const headers = vendor.headers(requestId, false);
  if (call.stream) response.writeHead(200, { ...headers, 'content-type': vendor.streamType, 'cache-control': 'no-cache' });
  else response.writeHead(200, { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
}

function send(delivery: Delivery, body: string): void {
  writeHead(delivery, body);
  delivery.response.end(body);
}

/** Headers and half of the body, then silence until the client leaves. */
async function stall(delivery: Delivery, { whole, half }: Payload): Promise<void> {
  writeHead(delivery, whole);
  delivery.response.write(half);
  await untilClosed(delivery.response);
}

/** A stream breaks in its middle, any other answer before its headers. */
function reset(delivery: Delivery, { whole, half }: Payload): void {
  const { call, response } = delivery;
  if (!call.stream) {
    response.destroy();
    return;
  }
  writeHead(delivery, whole);
  response.write(half, () => response.destroy());
}

/** Writes the answer to the client in the given manner. */
export async function deliver(delivery: Delivery, manner: Manner): Promise<void> {
  const payload = payloadOf(delivery);
  if (manner === 'whole') send(delivery, payload.whole);
  else if (manner === 'stalled_body') await stall(delivery, payload);
  else if (manner === 'reset') reset(delivery, payload);
  else if (manner === 'malformed_json')
    send(delivery, delivery.call.stream ? payload.half + delivery.vendor.brokenFrame : payload.half);
  else send(delivery, payload.half + delivery.vendor.errorFrame(manner.failure, delivery.requestId));
}

/** Resolves when the client has gone or the sandbox closes. */
export async function untilClosed(response: ServerResponse): Promise<void> {
  if (!response.destroyed) await once(response, 'close');
}

/** Answers with a vendor's error. */
export function sendFailure(vendor: Vendor, failure: Failure, requestId: string, response: ServerResponse): void {
  const { retryAfterS } = failure.details;
  response.writeHead(failure.status, {
    ...vendor.headers(requestId, failure.status === 429),
    ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    'content-type': 'application/json',
  });
  response.end(JSON.stringify(vendor.error(failure, requestId)));
}
