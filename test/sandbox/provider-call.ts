import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, answerCall, refusedAnswer, truncatedAnswer } from './answer.ts';
import { type Book, bookKey } from './book.ts';
import { deliver, type Manner, sendFailure, untilClosed } from './delivery.ts';
import type { Call, Vendor } from './endpoint.ts';
import { Failure, parseJson } from './failure.ts';
import type { FaultKind, FaultRule, Faults } from './faults.ts';
import type { Generation, Ledger } from './ledger.ts';
import { readBody } from './read-body.ts';
import type { Recordings } from './recordings.ts';
import type { Settings } from './settings.ts';

/** What calls and the control API share. */
export type SandboxState = {
  book: Book;
  faults: Faults;
  ledger: Ledger;
  settings: Settings;
  inFlight: number;
  /** Null unless the sandbox plays recordings. */
  recordings: Recordings | null;
};

/** Which vendor's route is asked, and for which provider. */
type Target = { path: string; provider: string };

/** Answers a request below a vendor's prefix; `path` of the target is the rest. What is wrong with it is said in the vendor's shape. */
export async function serveVendor(
  state: SandboxState,
  vendor: Vendor,
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  state.inFlight += 1;
  try {
    await answerRequest(state, vendor, target, request, response, requestId);
  } catch (error) {
    if (!response.destroyed && !response.headersSent) sendFailure(vendor, asFailure(error), requestId, response);
  } finally {
    state.inFlight -= 1;
  }
}

/** Anything but a Failure is a mistake in the sandbox: it is printed, so that no test passes because of it. */
function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  console.error('sandbox:', error);
  return new Failure(500, `The sandbox failed: ${String(error)}`);
}

async function answerRequest(
  state: SandboxState,
  vendor: Vendor,
  { path, provider }: Target,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  // The body is read before anything is refused, so that the connection can be used again.
  const body = await readBody(request);
  checkKey(vendor, request);
  if (request.method === 'GET' && path === vendor.modelsPath) {
    const list = JSON.stringify(vendor.models(state.book.modelNames(vendor.provider)));
    response.writeHead(200, { ...vendor.headers(requestId, false), 'content-type': 'application/json' }).end(list);
    return;
  }
  const parse = request.method === 'POST' && Object.hasOwn(vendor.routes, path) ? vendor.routes[path] : undefined;
  if (parse === undefined) throw new Failure(404, `Invalid URL (${request.method} ${path})`);
  const parsed = parse(parseJson(body), request.headers);
  const call = { ...parsed, model: `${provider}/${parsed.model.slice(vendor.provider.length + 1)}` };
  await serveCall(state, { vendor, call, requestId, response }, request.headers['x-client-request-id']);
}

function checkKey(vendor: Vendor, { headers }: IncomingMessage): void {
  const bearer = /^Bearer \S/.test(headers.authorization ?? '');
  if (vendor.needsKey && !bearer && !headers['x-api-key'])
    throw new Failure(401, 'Missing API key: send it as "Authorization: Bearer KEY".');
}

type Exchange = { vendor: Vendor; call: Call; requestId: string; response: ServerResponse };

async function serveCall(state: SandboxState, exchange: Exchange, clientRequestId: unknown): Promise<void> {
  const { call, vendor, response } = exchange;
  const key = bookKey(call.text);
  const fault = state.faults.take({ model: call.model, key, text: call.text });
  const failure = fault && failureOf(fault, vendor);
  if (failure && !(fault.in_stream && call.stream)) {
    await waitWhileHeld(state.settings, response);
    throw failure;
  }
  const recorded = await state.recordings?.answer(clientRequestId, call);
  const answer = recorded ?? faultyAnswer(fault?.kind, answerCall(state.book, call, key));
  const generation = state.ledger.open({
    model: call.model,
    key,
    client_request_id: typeof clientRequestId === 'string' ? clientRequestId : null,
    input_tokens: answer.inputTokens,
    output_tokens: answer.outputTokens,
  });
  await generate(state.settings, fault?.latency_ms ?? state.settings.latencyMs ?? answer.latencyMs, response);
  await finish({ ...exchange, answer }, generation, fault, failure);
}

/** The wait before an answer; a client that leaves ends it. */
async function generate(settings: Settings, latencyMs: number, response: ServerResponse): Promise<void> {
  await waitWhileHeld(settings, response);
  if (latencyMs > 0 && !response.destroyed) await waitUnlessClosed(latencyMs, response);
}

async function waitWhileHeld(settings: Settings, response: ServerResponse): Promise<void> {
  if (settings.held) await Promise.race([settings.held, untilClosed(response)]);
}

async function waitUnlessClosed(latencyMs: number, response: ServerResponse): Promise<void> {
  const closed = new AbortController();
  const onClose = (): void => closed.abort();
  response.once('close', onClose);
  await delay(latencyMs, undefined, { signal: closed.signal }).catch(() => undefined);
  response.off('close', onClose);
}

async function finish(
  delivery: Exchange & { answer: Answer },
  generation: Generation,
  fault: FaultRule | undefined,
  failure: Failure | undefined,
): Promise<void> {
  if (delivery.response.destroyed) {
    generation.outcome = 'abandoned';
    return;
  }
  generation.outcome = fault === undefined || fault.kind === 'slow' ? 'delivered' : fault.kind;
  if (fault?.kind === 'timeout') await untilClosed(delivery.response);
  else await deliver(delivery, failure ? { failure } : mannerOf(fault?.kind));
}

function mannerOf(kind: FaultKind | undefined): Manner {
  return kind === 'stalled_body' || kind === 'reset' || kind === 'malformed_json' ? kind : 'whole';
}

function faultyAnswer(kind: FaultKind | undefined, answer: Answer): Answer {
  if (kind === 'truncation') return truncatedAnswer(answer);
  if (kind === 'refusal') return refusedAnswer(answer);
  return answer;
}

/** Seconds; what a rate limit asks for when its rule does not say. */
const RETRY_AFTER_S = 1;

/** The refusal of a call that a rule asks for; undefined for the kinds in which the call is generated. */
function failureOf(rule: FaultRule, vendor: Vendor): Failure | undefined {
  const wait = rule.retry_after_s === undefined ? {} : { retryAfterS: rule.retry_after_s };
  switch (rule.kind) {
    case 'rate_limit':
      return new Failure(429, 'Rate limit reached. Please try again later.', { retryAfterS: RETRY_AFTER_S, ...wait });
    case 'server_error':
      return new Failure(500, 'The server had an error while processing your request.', wait);
    case 'overloaded':
      return new Failure(vendor.overloadedStatus, 'Overloaded', wait);
    case 'auth':
      return new Failure(401, 'Incorrect API key provided.', wait);
    default:
      return undefined;
  }
}
