import Anthropic from '@anthropic-ai/sdk';
import type { FinishReason, ToolCall, UnifiedRequest, UnifiedResponse } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';
import type { ProviderSettings } from '@upshift/runtime';

import type { Adapter } from '../../adapter.ts';
import { controlledFetch, underControl, withoutForeignHeaders } from '../../call-control.ts';
import type { CallControl } from '../../call-control.ts';
import { failedCall, unusableAnswer } from '../../call-failure.ts';
import { readUntil } from '../../read-until.ts';
import { anthropicCatalogue } from './anthropic-catalogue.ts';
import { anthropicFailure, refusalOf } from './anthropic-error.ts';
import { anthropicMessage } from './anthropic-messages.ts';
import { anthropicUsage } from './anthropic-usage.ts';
import type { AnthropicUsageParts } from './anthropic-usage.ts';

/** Claude through the Messages API, streamed. */
export function createAnthropicAdapter(settings: ProviderSettings): Adapter {
  const client = clientOf(settings);
  return {
    async call(request, control) {
      if (isEmbedding(request.input)) {
        throw failedCall(settings.id, { code: 'invalid_request', detail: 'Anthropic has no embeddings', maybeBilled: false });
      }
      return ask({ client, provider: settings.id, request, control }).catch(refusalOf);
    },
    catalogue: (_, control) => anthropicCatalogue(client, control),
    failureOf: anthropicFailure,
  };
}

interface AnthropicCall {
  client: Anthropic;
  provider: string;
  request: UnifiedRequest;
  control: CallControl;
}

async function ask({ client, provider, request, control }: AnthropicCall): Promise<UnifiedResponse> {
  const { data: stream, response } = await client.messages
    .create(anthropicMessage(request), { headers: { 'x-client-request-id': request.requestId }, ...underControl(control) })
    .withResponse();
  const requestId = response.headers.get('request-id');
  const message = new PartialMessage();
  await readUntil(stream, (event) => {
    message.add(event);
    // Some servers hold the stream open after it.
    return event.type === 'message_stop' ? event : null;
  });
  control.throwIfStopped();
  annotate({ 'gen_ai.response.id': message.id, 'gen_ai.response.model': message.model });

  const { text, toolCalls, stopReason, explanation, usage } = message;
  if (stopReason === null) throw unusableAnswer(provider, 'the stream ended without a stop reason', requestId);
  const finishReason = finishReasons[stopReason];
  if (!finishReason) throw unusableAnswer(provider, `stop reason ${stopReason}`, requestId);
  return {
    text: text || explanation,
    toolCalls,
    vectors: null,
    finishReason,
    usage: anthropicUsage(usage),
    providerRequestId: requestId,
  };
}

function clientOf(settings: ProviderSettings): Anthropic {
  const client = new Anthropic({
    // Null would let the SDK look for a profile; a server without keys ignores the word.
    apiKey: settings.apiKey ?? 'none',
    baseURL: settings.baseUrl ?? 'https://api.anthropic.com',
    fetch: controlledFetch,
    // The SDK would wait for any retry-after within the call, up to 24 days.
    maxRetries: 0,
    // It logs a malformed event with its text.
    logLevel: 'off',
    // Else the SDK sends traceparent to the vendor and doubles our spans.
    openTelemetry: false,
  });
  return withoutForeignHeaders(client);
}

/** `pause_turn` is missing: only the vendor's own tools cause it, and we send none. */
const finishReasons: Partial<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'refusal',
};

/** What the events of a stream have said so far. */
class PartialMessage {
  id: string | null = null;
  model: string | null = null;
  text = '';
  stopReason: string | null = null;
  /** Why the model refused; a refusal often has no text. */
  explanation = '';
  usage: AnthropicUsageParts = { start: null, end: null };
  readonly #tools = new Map<number, ToolCall & { input: unknown }>();

  /** Some compatible servers give the whole input with the beginning of a call, and nothing of it in pieces. */
  get toolCalls(): ToolCall[] {
    return [...this.#tools.values()].map(({ id, name, arguments: pieces, input }) => ({
      id,
      name,
      arguments: pieces || JSON.stringify(input ?? {}),
    }));
  }

  add(event: Anthropic.RawMessageStreamEvent): void {
    if (event.type === 'message_start') this.#start(event.message);
    if (event.type === 'content_block_start') this.#begin(event);
    if (event.type === 'content_block_delta') this.#grow(event);
    if (event.type === 'message_delta') {
      this.stopReason = event.delta.stop_reason ?? this.stopReason;
      this.explanation = event.delta.stop_details?.explanation ?? this.explanation;
      this.usage.end = event.usage ?? this.usage.end;
    }
  }

  #start({ id, model, usage }: Anthropic.Message): void {
    this.id = id ?? null;
    this.model = model ?? null;
    this.usage.start = usage ?? null;
  }

  #begin({ index, content_block: block }: Anthropic.RawContentBlockStartEvent): void {
    if (block.type === 'text') this.text += block.text ?? '';
    if (block.type !== 'tool_use') return;
    this.#tools.set(index, { id: block.id, name: block.name, arguments: '', input: block.input });
  }

  #grow({ index, delta }: Anthropic.RawContentBlockDeltaEvent): void {
    if (delta.type === 'text_delta') this.text += delta.text;
    const call = this.#tools.get(index);
    if (delta.type === 'input_json_delta' && call) call.arguments += delta.partial_json;
  }
}
