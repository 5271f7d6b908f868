import type { CallErrorCode, UnifiedResponse } from '@upshift/contracts';
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';

import { failureOfTransport, failureOfVendor, refusedByPolicy } from '../../call-failure.ts';
import type { Failure } from '../../call-failure.ts';
import { fieldsOf } from '../../json-schema.ts';

/** Codes and types that say more than the status: an error within a stream has no status. */
const codes: Readonly<Record<string, CallErrorCode>> = {
  // 429, but waiting does not help.
  insufficient_quota: 'provider_denied',
  billing_not_active: 'provider_denied',
  billing_hard_limit_reached: 'provider_denied',
  // Moonshot and Zhipu by 429 too, Alibaba by 400.
  exceeded_current_quota_error: 'provider_denied',
  '1113': 'provider_denied',
  Arrearage: 'provider_denied',
  invalid_api_key: 'provider_denied',
  context_length_exceeded: 'context_too_long',
  // llama.cpp's server.
  exceed_context_size_error: 'context_too_long',
  model_not_found: 'model_not_found',
  // By status 400: Groq twice, Together, Mistral.
  model_decommissioned: 'model_not_found',
  model_terms_required: 'model_not_found',
  model_not_available: 'model_not_found',
  invalid_model: 'model_not_found',
  // By 403, though only this model is closed to the account: Groq.
  model_permission_blocked_org: 'model_not_found',
  model_permission_blocked_project: 'model_not_found',
  tool_use_failed: 'provider_error',
  json_validate_failed: 'provider_error',
  rate_limit_exceeded: 'rate_limited',
  slow_down: 'rate_limited',
  server_is_overloaded: 'overloaded',
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

/** Groq refuses by status 400 what its model wrote: no JSON, or no call of these tools. Another answer may be good, and this one billed. */
const wroteNonsense = ['tool_use_failed', 'json_validate_failed'];

/** What compatible servers may not know; the configuration says so under `unknown_parameters`. */
const deniable = ['max_completion_tokens', 'stream_options'];

/** What filters say: those of Azure, of Alibaba, and of OpenAI (cyber_policy, misalignment_policy_violation). */
export const policyCode = /^(content_filter|data_inspection_failed)$|_policy(_|$)/;
/** Those of DeepSeek and xAI, which have no code of their own. At the beginning only: what follows may quote the prompt. */
const policyWords = /^(400|403|error|message|[\s[{":,])*content (exists risk|violates usage guidelines)/i;

/** A provider's policy refuses a prompt by an error, and bills it perhaps; within a stream it refuses an answer. Throws any other error. */
export function refusalOf(error: unknown): UnifiedResponse {
  if (!(error instanceof APIError && saysPolicy(error))) throw error;
  return refusedByPolicy(error.requestID ?? null);
}

/** By 403 a code is that of a moderation in front of the models, and read with all other refusals. */
function saysPolicy(error: APIError): boolean {
  return policyWords.test(wordsOf(error)) || (error.status !== 403 && policyCode.test(error.code ?? ''));
}

/** OpenRouter wraps what the provider behind it has said, and says nothing of its own then. */
function wordsOf({ error, message }: APIError): string {
  const { raw } = fieldsOf(fieldsOf(error)['metadata']);
  return typeof raw === 'string' ? raw : message;
}

/** What the SDK has thrown, in the words that all vendors share; null for a bug of ours. */
export function openaiFailure(error: unknown): Failure | null {
  if (error instanceof APIConnectionTimeoutError) return { code: 'timeout', detail: '', maybeBilled: true };
  if (error instanceof APIConnectionError)
    return failureOfTransport(error) ?? { code: 'connection_failed', detail: '', maybeBilled: true };
  if (error instanceof APIError) return failureOfResponse(error);
  return failureOfTransport(error);
}

function failureOfResponse(error: APIError): Failure {
  const { headers, code, type, param } = error;
  const message = wordsOf(error);
  const failure = failureOfVendor(
    { status: error.status ?? null, labels: [code, type, param], message, headers, requestId: error.requestID ?? null },
    codes,
  );
  if (wroteNonsense.includes(code ?? '')) return { ...failure, maybeBilled: true };
  const unknown = failure.code === 'invalid_request' && deniable.find((parameter) => message.includes(parameter));
  return unknown ? { ...failure, detail: `${failure.detail}; of ${unknown}: see unknown_parameters` } : failure;
}
