import type { FinishReason, ToolCall, UnifiedResponse } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';
import type OpenAI from 'openai';

import { unusableAnswer } from '../../call-failure.ts';
import { sendOptions } from './openai-call.ts';
import type { OpenaiCall } from './openai-call.ts';
import { chatCompletionsRequest } from './openai-messages.ts';
import { completionUsage } from './openai-usage.ts';

/** A chat through chat completions, streamed. */
export async function askChatCompletions(call: OpenaiCall): Promise<UnifiedResponse> {
  const { client, provider, request, control } = call;
  const { data: stream, request_id: requestId } = await client.chat.completions
    .create(chatCompletionsRequest(request), sendOptions(call))
    .withResponse();
  const answer = new PartialCompletion();
  for await (const chunk of stream) answer.add(chunk);
  control.throwIfStopped();
  annotate({ 'gen_ai.response.id': answer.id, 'gen_ai.response.model': answer.model });

  const { finishReason, text, refusal, toolCalls, usage, id } = answer;
  if (finishReason === null) throw unusableAnswer(provider, 'the stream ended without a finish reason', requestId);
  return {
    text: text || refusal,
    toolCalls,
    vectors: null,
    finishReason: unifiedReason(finishReason, answer),
    usage: completionUsage(usage),
    providerRequestId: requestId ?? id,
  };
}

function unifiedReason(reason: string, { refusal, toolCalls }: PartialCompletion): FinishReason {
  if (refusal !== '' || reason === 'content_filter') return 'refusal';
  if (reason === 'length') return 'length';
  // Compatible servers have words of their own for the end (`eos`), and some say `stop` after tool calls.
  return toolCalls.length > 0 ? 'tool_calls' : 'stop';
}

/** What the chunks of a stream have said so far. */
class PartialCompletion {
  text = '';
  refusal = '';
  id: string | null = null;
  model: string | null = null;
  finishReason: string | null = null;
  usage: OpenAI.CompletionUsage | null = null;
  readonly #tools = new Map<number, ToolCall>();

  get toolCalls(): ToolCall[] {
    return [...this.#tools.values()].map((call, index) => ({
      id: call.id || `call_${index}`,
      name: call.name,
      arguments: call.arguments || '{}',
    }));
  }

  add(chunk: OpenAI.ChatCompletionChunk): void {
    this.id = chunk.id ?? this.id;
    this.model = chunk.model ?? this.model;
    // The last chunk has the usage and no choices.
    this.usage = chunk.usage ?? this.usage;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    this.finishReason = choice.finish_reason ?? this.finishReason;
    this.text += choice.delta?.content ?? '';
    this.refusal += choice.delta?.refusal ?? '';
    choice.delta?.tool_calls?.forEach((delta, position) => this.#growTool(delta, position));
  }

  #growTool(delta: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall, position: number): void {
    const index = delta.index ?? position;
    const call = this.#tools.get(index) ?? { id: '', name: '', arguments: '' };
    this.#tools.set(index, {
      id: call.id || (delta.id ?? ''),
      name: call.name || (delta.function?.name ?? ''),
      arguments: call.arguments + (delta.function?.arguments ?? ''),
    });
  }
}
