import { ModelCallError } from '@upshift/contracts';
import type { CallErrorCode, UnifiedResponse } from '@upshift/contracts';

/** What went wrong with a call, before it is known whose call it was. */
export interface Failure {
  code: CallErrorCode;
  /** Identifiers and numbers only: a vendor's own message may quote the prompt or a part of the key. */
  detail: string;
  /** Whether the provider may have generated, and billed, an answer. */
  maybeBilled: boolean;
  retryAfterMs?: number | null;
  status?: number | null;
  /** The provider's own id of the call. */
  requestId?: string | null;
}

/** What went wrong where an SDK has thrown this; null for a bug of ours. */
export type FailureOf = (error: unknown) => Failure | null;

/** What a vendor said with an error, in the words that all vendors share. */
export interface VendorError {
  /** Null for an error within a stream, after status 200. */
  status: number | null;
  /** The vendor's codes and types, the most exact one first. */
  labels: (string | null | undefined)[];
  message: string;
  headers: Headers | undefined;
  requestId: string | null;
}

const words: Record<CallErrorCode, string> = {
  rate_limited: 'too many requests or tokens',
  overloaded: 'the provider has no room',
  provider_error: 'the provider failed',
  timeout: 'time ran out',
  connection_failed: 'the connection failed',
  invalid_request: 'the request was refused as invalid',
  context_too_long: 'the input does not fit the model',
  model_not_found: 'the provider has no such model',
  provider_denied: 'the provider denied the account',
  provider_off: 'the provider is off',
  circuit_open: 'the model failed too often and is not called',
  aborted: 'the call was aborted',
  outcome_unknown: 'the outcome is unknown',
};

/** Codes after which the same call of the same model may succeed. */
const retryable: readonly CallErrorCode[] = [
  'rate_limited',
  'overloaded',
  'provider_error',
  'timeout',
  'connection_failed',
  'circuit_open',
  'outcome_unknown',
];

/** The one place where a failed call becomes an error: `<provider>: <words> (<detail>)`. */
export function failedCall(provider: string, failure: Failure, cause?: unknown): ModelCallError {
  const { code, detail, maybeBilled, retryAfterMs = null, status = null, requestId = null } = failure;
  const message = detail === '' ? words[code] : `${words[code]} (${detail})`;
  return new ModelCallError(
    { code, message, retryable: retryable.includes(code), retryAfterMs, maybeBilled, provider, status, requestId },
    cause,
  );
}

/** An answer that came, and was paid for, but can not be used. */
export function unusableAnswer(provider: string, detail: string, requestId: string | null = null): ModelCallError {
  return failedCall(provider, { code: 'provider_error', detail, maybeBilled: true, requestId });
}

/** What a policy has stopped by an error, be it the prompt or the answer: no bad request, and perhaps billed. */
export function refusedByPolicy(providerRequestId: string | null): UnifiedResponse {
  return { text: '', toolCalls: [], vectors: null, finishReason: 'refusal', usage: null, providerRequestId };
}

/** `byLabel` holds the vendor's labels that say more than the status does. */
export function failureOfVendor(vendor: VendorError, byLabel: Readonly<Record<string, CallErrorCode>>): Failure {
  const { status, headers, requestId } = vendor;
  const labelled = vendor.labels.flatMap((label) => (label && Object.hasOwn(byLabel, label) ? [byLabel[label]] : []))[0];
  const code = labelled ?? codeOfWords(vendor) ?? codeOfStatus(status ?? statusInStream(vendor));
  return {
    code,
    detail: detailOf(vendor),
    maybeBilled: code !== 'provider_denied' && (status === null || mayBeBilled(status)),
    retryAfterMs: headers ? retryAfterOf(headers) : null,
    status,
    requestId,
  };
}

/**
 * The wording of servers that have no code for it: Anthropic, vLLM, llama.cpp, Ollama, xAI, Gemini, Bedrock, Moonshot, Alibaba, Zhipu and
 * Together.
 */
const tooLong =
  /(prompt|input) is too long|maximum (prompt|model) length|context (length|window|size|limit)|input token count .*exceeds|model token limit|range of input length|prompt exceeds max length|`inputs` (tokens \+|must have less)/i;

function saysTooLong({ status, message }: VendorError): boolean {
  return (status === 400 || status === 422) && tooLong.test(message);
}

/** OpenRouter refuses a prompt by the status of a denied account, which would take the provider away from all other jobs. */
const promptRefused = /moderation|guardrail|input was flagged|content_policy/i;

function saysPromptRefused({ status, message, labels }: VendorError): boolean {
  return status === 403 && [message, ...labels].some((words) => promptRefused.test(words ?? ''));
}

/**
 * xAI and Gemini refuse a key, Gemini a country, and LiteLLM a key whose budget is used up, as they refuse a request, which would fail
 * each job. At the beginning only, with or without the JSON around it: what follows may quote the prompt.
 */
const keyRefused =
  /^(400|429|error|code|message|[\s[{":,])*(API key (not valid|expired|not found)|(incorrect|invalid) API key|please pass a valid API key|user location is not supported|budget has been exceeded)/i;

/** So does LiteLLM a model that it has not, and OpenAI one that needs a verified account; the path of the API may stand before it. */
const modelUnknown = /^[\w\s[{":',/]{0,80}(invalid model name passed in|your organization must be verified)/i;

/** What the words say where no label does, and more than the status. */
function codeOfWords(vendor: VendorError): CallErrorCode | null {
  if (saysTooLong(vendor)) return 'context_too_long';
  const { status, message } = vendor;
  if ((status === 400 || status === 429) && keyRefused.test(message)) return 'provider_denied';
  if (status === 400 && modelUnknown.test(message)) return 'model_not_found';
  return saysPromptRefused(vendor) ? 'invalid_request' : null;
}

function codeOfStatus(status: number | null): CallErrorCode {
  // 412: Fireworks has suspended the account.
  if (status === 401 || status === 402 || status === 403 || status === 412) return 'provider_denied';
  // 410: retired for good; 405: another API at this address.
  if (status === 404 || status === 405 || status === 410) return 'model_not_found';
  if (status === 413) return 'context_too_long';
  if (status === 429) return 'rate_limited';
  // 498: Groq's flex tier.
  if (status === 498 || status === 503 || status === 529) return 'overloaded';
  if (status === 408 || status === 504 || status === 524) return 'timeout';
  // Nothing is wrong with a request that meets another at the same resource (409), or that what is behind the provider fails (424) or
  // gives up (499, Gemini under load); redirects are not followed.
  if (status === null || status >= 500 || status < 400 || [409, 424, 499].includes(status)) return 'provider_error';
  return 'invalid_request';
}

/**
 * The status that an error within a stream would have had, where a compatible server gives it as the code. vLLM says 400 there
 * whatever has failed, so that only what tells of limits and faults is believed.
 */
function statusInStream({ labels }: VendorError): number | null {
  return labels.map(Number).find((code) => code === 429 || (code >= 500 && code < 600)) ?? null;
}

/** 500, 503 and 529 come instead of a generation; 408, 424, 499 and the gateways' own 5xx may come after one. */
function mayBeBilled(status: number): boolean {
  return [408, 424, 499].includes(status) || (status >= 500 && ![500, 501, 503, 529].includes(status));
}

const identifier = /^[\w.[\]-]{1,80}$/;

function detailOf({ status, labels }: VendorError): string {
  const named = labels.filter((label) => typeof label === 'string' && identifier.test(label));
  // Some give the status once more as the code.
  return [...new Set([String(status ?? 'in the stream'), ...named])].join(' ');
}

/** Longest wait that a server is believed, in ms: some send a time where seconds belong, and one call an hour asks whether the wait is over. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

function retryAfterOf(headers: Headers): number | null {
  const waitMs = waitSaid(headers);
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(0, waitMs), LONGEST_RETRY_AFTER_MS);
}

/** In ms; NaN where the server says nothing that can be read. */
function waitSaid(headers: Headers): number {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const value = headers.get('retry-after') ?? '';
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
}

/** A ModelCallError for everything that `failureOf` knows; the error itself for anything else: that is a bug. */
export function callErrorOf(provider: string, error: unknown, failureOf: FailureOf): unknown {
  if (error instanceof ModelCallError) return error;
  const failure = failureOf(error);
  if (!failure) return error;
  // Other causes may quote the prompt, the answer or the key, and causes end in logs.
  return failedCall(provider, failure, failure.code === 'connection_failed' ? error : undefined);
}

/** Whatever ends a request before its answer begins is the connection's, as a certificate for another purpose is. */
export function failureToConnect(error: unknown): Failure {
  return failureOfTransport(error) ?? { code: 'connection_failed', detail: codeIn(causes(error)), maybeBilled: true };
}

/** Errors of the connection and of an answer that is not JSON; null for anything else. */
export function failureOfTransport(error: unknown): Failure | null {
  const chain = causes(error);
  if (chain.some((cause) => cause instanceof SyntaxError)) {
    return { code: 'provider_error', detail: 'the answer is not JSON', maybeBilled: true };
  }
  const code = codeIn(chain);
  if (code === 'ETIMEDOUT' || chain.some(isAbort)) return { code: 'timeout', detail: code, maybeBilled: true };
  if (network.test(code)) return { code: 'connection_failed', detail: code, maybeBilled: true };
  return null;
}

const network = /^(E[A-Z]{3,}$|HPE_)/;

function isAbort(error: Error): boolean {
  return error.name === 'AbortError' || error.name === 'TimeoutError';
}

function codeIn(chain: Error[]): string {
  return chain.map(codeOf).find((code) => code !== null) ?? '';
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** The error and its causes, outermost first. DOMException is an Error in Node. */
function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
