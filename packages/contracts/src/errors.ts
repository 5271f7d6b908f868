/** Why a call of a model failed. The code decides what happens next (packages/routing), so the list is short and closed. */
export const callErrorCodes = [
  'rate_limited', // 429: wait, then try again
  'overloaded', // 503, 529: the provider has no room
  'provider_error', // other 5xx, or an answer that could not be read
  'timeout', // our deadline passed
  'connection_failed', // no connection, or it broke
  'invalid_request', // 400, 413, 422: no model would take this input
  'context_too_long', // the input does not fit this model's window
  'model_not_found', // 404: retired or misspelt
  'provider_denied', // 401, 402, 403, spend limit: the account, not the job
  'provider_off', // no key, or switched off in the configuration
  'circuit_open', // this model failed too often just now: not called
  'aborted', // cancelled by us
  'outcome_unknown', // sent by a worker that died before it knew
] as const;
export type CallErrorCode = (typeof callErrorCodes)[number];

/** A failed call, as data: what is stored and decided on. */
export interface CallError {
  code: CallErrorCode;
  message: string;
  /** Whether the same call may succeed later. Computed once, in the adapter. */
  retryable: boolean;
  /** What the provider asked us to wait, in ms; null where it did not say. */
  retryAfterMs: number | null;
  /** True where the provider may have generated, and billed, an answer that we never saw. */
  maybeBilled: boolean;
  provider: string;
  status: number | null;
  requestId: string | null;
}

/** Thrown by adapters; anything else that they throw is a bug. */
export class ModelCallError extends Error {
  readonly error: CallError;

  constructor(error: CallError, cause?: unknown) {
    super(`${error.provider}: ${error.message}`, { cause });
    this.name = 'ModelCallError';
    this.error = error;
  }
}

/** One bad field of a request: where it is, what was wrong, and what would be right. */
export interface FieldError {
  field: string;
  value?: unknown;
  message: string;
}

/** Errors that a client of the API can meet. Codes are stable; HTTP statuses belong to them. */
export const problemStatus = {
  malformed_json: 400,
  invalid_header: 400,
  recording_off: 403,
  not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  invalid_job: 422,
  unknown_route: 422,
  unknown_model: 422,
  no_capable_model: 422,
  unknown_webhook: 422,
  invalid_webhook: 422,
  webhook_exists: 409,
  job_not_ended: 409,
  invalid_verdict: 422,
  not_judgeable: 409,
  invalid_experiment: 422,
  experiment_exists: 409,
  experiment_conflict: 409,
  experiment_state: 409,
  invalid_query: 400,
  idempotency_key_reused: 422,
  backlog_full: 503,
  queue_unavailable: 503,
  internal_error: 500,
} as const;
export type ProblemCode = keyof typeof problemStatus;

/** Bad fields that a client is told of at once: more would make an answer many times as long as its request. */
const MOST_FIELDS = 100;

/** An error that the client caused or must know of; becomes `application/problem+json`. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly errors: FieldError[];
  readonly retryAfterSeconds: number | null;

  constructor(code: ProblemCode, detail: string, options: { errors?: FieldError[]; retryAfterSeconds?: number } = {}) {
    super(detail);
    this.name = 'ProblemError';
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }

  /** An error whose detail is that of its fields, of which it tells the first ones. */
  static ofFields(code: ProblemCode, all: FieldError[]): ProblemError {
    const errors = all.slice(0, MOST_FIELDS);
    const told = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const more = all.length - errors.length;
    return new ProblemError(code, more > 0 ? `${told}; and ${more} more` : told, { errors });
  }
}
