import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import type { CallErrorCode, UnifiedResponse } from '@upshift/contracts';

import { failureOfTransport, failureOfVendor, refusedByPolicy } from '../../call-failure.ts';
import type { Failure } from '../../call-failure.ts';

/** `error_code` and then `type`, where they say more than the status: an error within a stream has no status. */
const codes: Readonly<Record<string, CallErrorCode>> = {
  // 429 and 402, but waiting does not help: a person must raise the limit.
  enforced_spend_limit_reached: 'provider_denied',
  contract_spend_limit_reached: 'provider_denied',
  linked_organization_spend_limit_reached: 'provider_denied',
  linked_organization_billing_unavailable: 'provider_denied',
  // 400, though nothing is wrong with the request.
  organization_on_hold: 'provider_denied',
  organization_type_not_supported: 'provider_denied',
  parent_organization_required: 'provider_denied',
  cmek_key_disabled: 'provider_denied',
  cmek_key_network_blocked: 'provider_denied',
  billing_error: 'provider_denied',
  authentication_error: 'provider_denied',
  permission_error: 'provider_denied',
  not_found_error: 'model_not_found',
  rate_limit_error: 'rate_limited',
  overloaded_error: 'overloaded',
  timeout_error: 'timeout',
};

/** The vendor's filter stops an answer by 400, or by an error within its stream, and bills it perhaps. Throws any other error. */
export function refusalOf(error: unknown): UnifiedResponse {
  if (!(error instanceof APIError && /^output blocked by content filter/i.test(error.apiMessage ?? ''))) throw error;
  return refusedByPolicy(error.requestID ?? null);
}

/** What the SDK has thrown, in the words that all vendors share; null for a bug of ours. */
export function anthropicFailure(error: unknown): Failure | null {
  if (error instanceof APIConnectionTimeoutError) return { code: 'timeout', detail: '', maybeBilled: true };
  if (error instanceof APIConnectionError)
    return failureOfTransport(error) ?? { code: 'connection_failed', detail: '', maybeBilled: true };
  if (error instanceof APIError) return failureOfResponse(error);
  return failureOfTransport(error);
}

function failureOfResponse(error: APIError): Failure {
  const { status = null, headers, type, errorCode, requestID = null } = error;
  const message = error.apiMessage ?? '';
  const failure = failureOfVendor({ status, labels: [errorCode, type], message, headers, requestId: requestID }, codes);
  return isOfAccount(status, message) ? { ...failure, code: 'provider_denied' } : failure;
}

/** The account's own spend limit, an empty balance and an organization that was closed come as 400 without a code of their own. */
function isOfAccount(status: number | null, message: string): boolean {
  return status === 400 && /credit balance|usage limit|spend limit|^this organization has been disabled/i.test(message);
}
