import type { CallErrorCode } from '@upshift/contracts';
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';

import { failureOfTransport, failureOfVendor } from '../../call-failure.ts';
import type { Failure } from '../../call-failure.ts';

/** Codes and types that say more than the status: an error within a stream has no status. */
const codes: Readonly<Record<string, CallErrorCode>> = {
  // 429, but waiting does not help.
  insufficient_quota: 'provider_denied',
  billing_not_active: 'provider_denied',
  billing_hard_limit_reached: 'provider_denied',
  invalid_api_key: 'provider_denied',
  context_length_exceeded: 'context_too_long',
  // llama.cpp's server.
  exceed_context_size_error: 'context_too_long',
  model_not_found: 'model_not_found',
  rate_limit_exceeded: 'rate_limited',
  invalid_prompt: 'invalid_request',
  invalid_image: 'invalid_request',
  invalid_image_format: 'invalid_request',
  invalid_base64_image: 'invalid_request',
  invalid_image_url: 'invalid_request',
  image_too_large: 'invalid_request',
  image_too_small: 'invalid_request',
  image_parse_error: 'invalid_request',
  image_file_too_large: 'invalid_request',
  unsupported_image_media_type: 'invalid_request',
  empty_image_file: 'invalid_request',
  failed_to_download_image: 'invalid_request',
  image_file_not_found: 'invalid_request',
};

/** What the SDK has thrown, in the words that all vendors share; null for a bug of ours. */
export function openaiFailure(error: unknown): Failure | null {
  if (error instanceof APIConnectionTimeoutError) return { code: 'timeout', detail: '', maybeBilled: true };
  if (error instanceof APIConnectionError)
    return failureOfTransport(error) ?? { code: 'connection_failed', detail: '', maybeBilled: true };
  if (error instanceof APIError) return failureOfResponse(error);
  return failureOfTransport(error);
}

function failureOfResponse(error: APIError): Failure {
  const { headers, code, type, param, message } = error;
  return failureOfVendor(
    { status: error.status ?? null, labels: [code, type, param], message, headers, requestId: error.requestID ?? null },
    codes,
  );
}
