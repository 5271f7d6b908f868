import type { FinishReason, UnifiedResponse } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';
import { APIError } from 'openai';
import type OpenAI from 'openai';

import { unusableAnswer } from '../../call-failure.ts';
import { readUntil } from '../../read-until.ts';
import { sendOptions } from './openai-call.ts';
import type { OpenaiCall } from './openai-call.ts';
import { policyCode } from './openai-error.ts';
import { responsesRequest } from './openai-messages.ts';
import { responsesUsage } from './openai-usage.ts';

type Answer = OpenAI.Responses.Response;

/** A chat through the Responses API, streamed. The last event repeats the whole answer. */
export async function askResponses(call: OpenaiCall): Promise<UnifiedResponse> {
  const { client, provider, request, control } = call;
  control.isNeeded = isNeeded;
  const { data: stream, request_id: requestId } = await client.responses
    .create(responsesRequest(request), sendOptions(call))
    .withResponse();
  // Some servers hold the stream open after it.
  const answer = await readUntil(stream, endOf);
  control.throwIfStopped();
  annotate({ 'gen_ai.response.id': answer?.id, 'gen_ai.response.model': answer?.model });

  if (!answer) throw unusableAnswer(provider, 'the stream ended without a whole answer', requestId);
  return unified(answer, provider, requestId);
}

/** How a stream ends: these events have the whole answer. */
const ends = ['response.completed', 'response.incomplete', 'response.failed'] as const;

function endOf(event: OpenAI.Responses.ResponseStreamEvent): Answer | null {
  return 'response' in event && isEnd(event.type) ? event.response : null;
}

/** Errors have other names. */
function isNeeded(event: string): boolean {
  return isEnd(event) || !event.startsWith('response.');
}

function isEnd(event: string): boolean {
  return (ends as readonly string[]).includes(event);
}

function unified(answer: Answer, provider: string, requestId: string | null): UnifiedResponse {
  const refusal = refusalOf(answer);
  // Told like an error event, so that both are read in one place.
  if (answer.status === 'failed' && refusal === null)
    throw new APIError(undefined, answer.error ?? undefined, undefined, undefined);
  const toolCalls = toolCallsOf(answer);
  const finishReason = refusal === null ? finishReasonOf(answer, toolCalls.length > 0) : 'refusal';
  if (!finishReason) throw unusableAnswer(provider, `status ${answer.status ?? 'missing'}`, requestId);
  return {
    text: textOf(answer) || (refusal ?? ''),
    toolCalls,
    vectors: null,
    finishReason,
    usage: responsesUsage(answer.usage),
    providerRequestId: requestId ?? answer.id,
  };
}

function finishReasonOf({ status, incomplete_details }: Answer, callsTools: boolean): FinishReason | null {
  if (status === 'incomplete') return incomplete_details?.reason === 'content_filter' ? 'refusal' : 'length';
  if (status !== 'completed') return null;
  return callsTools ? 'tool_calls' : 'stop';
}

/** What the model said in refusing, '' where a policy stopped it without words, null where nothing was refused. */
function refusalOf(answer: Answer): string | null {
  const refusal = contentOf(answer).find((part) => part.type === 'refusal');
  if (refusal) return refusal.refusal;
  return policyCode.test(answer.error?.code ?? '') ? '' : null;
}

function textOf(answer: Answer): string {
  return contentOf(answer)
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
}

function contentOf({ output = [] }: Answer): OpenAI.Responses.ResponseOutputMessage['content'] {
  return output.flatMap((item) => (item.type === 'message' ? item.content : []));
}

function toolCallsOf({ output = [] }: Answer): UnifiedResponse['toolCalls'] {
  return output.flatMap((item) =>
    item.type === 'function_call' ? [{ id: item.call_id, name: item.name, arguments: item.arguments || '{}' }] : [],
  );
}
