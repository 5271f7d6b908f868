import type { FinishReason, ToolCall, UnifiedResponse } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';
import type OpenAI from 'openai';

import { unusableAnswer } from '../../call-failure.ts';
import { fieldsOf } from '../../json-schema.ts';
import { sendOptions } from './openai-call.ts';
import type { OpenaiCall } from './openai-call.ts';
import { chatCompletionsRequest } from './openai-messages.ts';
import { completionUsage } from './openai-usage.ts';

/** Moonshot tells the usage within the last choice. */
type Choice = OpenAI.ChatCompletionChunk.Choice & { usage?: OpenAI.CompletionUsage };
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall;

/** A chat through chat completions, streamed. */
export async function askChatCompletions(call: OpenaiCall): Promise<UnifiedResponse> {
  const { client, provider, request, control } = call;
  const { data: stream, request_id: requestId } = await client.chat.completions
    .create(chatCompletionsRequest(request, call.unknownParameters), sendOptions(call))
    .withResponse();
  const answer = new PartialCompletion();
  for await (const chunk of stream) answer.add(chunk);
  control.throwIfStopped();
  annotate({ 'gen_ai.response.id': answer.id, 'gen_ai.response.model': answer.model });

  const { finishReason, text, refusal, toolCalls, usage, id } = answer;
  if (finishReason === null) throw unusableAnswer(provider, answer.whyUnfinished, requestId);
  if (brokeOff.test(finishReason)) throw unusableAnswer(provider, `finish reason ${finishReason}`, requestId);
  return {
    text: text || refusal,
    toolCalls,
    vectors: null,
    finishReason: unifiedReason(finishReason, answer),
    usage: completionUsage(usage),
    providerRequestId: requestId ?? id,
  };
}

/** What compatible servers say of an answer that is none: DeepSeek, vLLM, Mistral and Gemini. */
const brokeOff = /^(error|abort|insufficient_system_resource|(function_call_filter: )?malformed_function_call)$/i;
/** Of one that a policy has stopped: Gemini has a word for each. */
const withheld = /^(content_filter(: \w+)?|safety|recitation|blocklist|prohibited_content|spii)$/i;
/** Of one that is cut off: Mistral tells its window from the cap. */
const cutOff = /^(length|model_length|max_tokens)$/i;

function unifiedReason(reason: string, { refusal, toolCalls }: PartialCompletion): FinishReason {
  if (refusal !== '' || withheld.test(reason)) return 'refusal';
  if (cutOff.test(reason)) return 'length';
  // There are other words for the end (`eos`), and some servers say `stop` after tool calls.
  return toolCalls.length > 0 ? 'tool_calls' : 'stop';
}

/** Mistral's models that reason give parts, and not all of them are the answer's. */
function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : '';
  const parts = content.map(fieldsOf).filter(({ type }) => type === 'text');
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}

/** Mistral may give an object in place of its text. */
function argumentsText(given: unknown): string {
  const said = given ?? '';
  return typeof said === 'string' ? said : JSON.stringify(said);
}

/** What the chunks of a stream have said so far. */
class PartialCompletion {
  text = '';
  refusal = '';
  id: string | null = null;
  model: string | null = null;
  finishReason: string | null = null;
  usage: OpenAI.CompletionUsage | null = null;
  #hasBegun = false;
  readonly #tools: ToolCall[] = [];
  readonly #growing = new Map<number, ToolCall>();

  get toolCalls(): ToolCall[] {
    return this.#tools.map((call, index) => ({
      id: call.id || `call_${index}`,
      name: call.name,
      arguments: call.arguments || '{}',
    }));
  }

  get whyUnfinished(): string {
    return this.#hasBegun ? 'the stream ended without a finish reason' : 'no event of a stream came: the server must stream';
  }

  add(chunk: OpenAI.ChatCompletionChunk): void {
    this.#hasBegun = true;
    this.id = chunk.id ?? this.id;
    this.model = chunk.model ?? this.model;
    const choice: Choice | undefined = chunk.choices?.[0];
    // The last chunk has the usage and no choices.
    this.usage = chunk.usage ?? choice?.usage ?? this.usage;
    if (!choice) return;
    // Some compatible servers say '' where others say null.
    this.finishReason = choice.finish_reason || this.finishReason;
    this.text += textOf(choice.delta?.content);
    this.refusal += choice.delta?.refusal ?? '';
    choice.delta?.tool_calls?.forEach((delta, position) => this.#growTool(delta, position));
  }

  #growTool(delta: Delta, position: number): void {
    const index = delta.index ?? position;
    const call = this.#callAt(index, delta);
    call.id ||= delta.id ?? '';
    call.name ||= delta.function?.name ?? '';
    call.arguments += argumentsText(delta.function?.arguments);
  }

  /** Some compatible servers do not count the index up, and some invent an id for every delta: both together begin a call. */
  #callAt(index: number, { id, function: named }: Delta): ToolCall {
    const growing = this.#growing.get(index);
    const isAnother = id && named?.name && growing?.id && growing.id !== id;
    if (growing && !isAnother) return growing;
    const call = { id: '', name: '', arguments: '' };
    this.#tools.push(call);
    this.#growing.set(index, call);
    return call;
  }
}
