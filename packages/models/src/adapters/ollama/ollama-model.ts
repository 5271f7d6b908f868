import { randomUUID } from 'node:crypto';

import type { ChatInput, EmbeddingInput, FinishReason, ToolCall, UnifiedRequest, UnifiedResponse } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';
import { annotate } from '@upshift/runtime';
import type { ProviderSettings } from '@upshift/runtime';
import { Ollama } from 'ollama';
import type { ChatResponse } from 'ollama';

import type { Adapter } from '../../adapter.ts';
import type { CallControl } from '../../call-control.ts';
import { failedCall, unusableAnswer } from '../../call-failure.ts';
import { vectorsOf } from '../../vectors.ts';
import { ollamaCatalogue } from './ollama-catalogue.ts';
import { ollamaFailure } from './ollama-error.ts';
import { ollamaFetch } from './ollama-fetch.ts';
import { hasForeignImage, ollamaRequest } from './ollama-messages.ts';
import { ollamaUsage } from './ollama-usage.ts';

interface OllamaCall {
  client: Ollama;
  provider: string;
  request: UnifiedRequest;
  control: CallControl;
}

/** Models on an Ollama server: chats, streamed, and embeddings. */
export function createOllamaAdapter(settings: ProviderSettings): Adapter {
  return {
    async call(request, control) {
      if (!isEmbedding(request.input) && hasForeignImage(request.input)) {
        throw failedCall(settings.id, {
          code: 'invalid_request',
          detail: 'Ollama takes images as data URLs only',
          maybeBilled: false,
        });
      }
      const client = clientFor(settings, request.requestId, control);
      return (isEmbedding(request.input) ? embed : chat)({ client, provider: settings.id, request, control });
    },
    catalogue: (names, control) => ollamaCatalogue(clientFor(settings, 'catalogue', control), names),
    failureOf: ollamaFailure,
  };
}

/** One client per call, because its calls take no signal and its abort() ends all of its streams. */
function clientFor(settings: ProviderSettings, requestId: string, control: CallControl): Ollama {
  const authorization: Record<string, string> = settings.apiKey === null ? {} : { authorization: `Bearer ${settings.apiKey}` };
  return new Ollama({
    fetch: ollamaFetch(control.fetch),
    headers: { 'x-client-request-id': requestId, ...authorization },
    ...(settings.baseUrl !== null && { host: settings.baseUrl }),
  });
}

async function chat({ client, provider, request, control }: OllamaCall): Promise<UnifiedResponse> {
  const stream = await client.chat(ollamaRequest(request, request.input as ChatInput));
  let text = '';
  let last: ChatResponse | null = null;
  const toolCalls: ToolCall[] = [];
  for await (const chunk of stream) {
    text += chunk.message?.content ?? '';
    toolCalls.push(...(chunk.message?.tool_calls ?? []).map(withId));
    last = chunk;
  }
  control.throwIfStopped();

  annotate({ 'gen_ai.response.model': last?.model });
  if (!last?.done) throw unusableAnswer(provider, 'the stream ended before it was done');
  const finishReason = finishReasonOf(last, toolCalls);
  return { text, toolCalls, vectors: null, finishReason, usage: ollamaUsage(last), providerRequestId: null };
}

/** Ollama gives tool calls no id, and the arguments as an object. The id has no dashes: OpenAI takes 40 characters at most. */
function withId({ function: { name, arguments: object } }: { function: { name: string; arguments: unknown } }): ToolCall {
  return { id: `call_${randomUUID().replaceAll('-', '')}`, name, arguments: JSON.stringify(object ?? {}) };
}

function finishReasonOf({ done_reason }: ChatResponse, toolCalls: ToolCall[]): FinishReason {
  if (done_reason === 'length') return 'length';
  return toolCalls.length > 0 ? 'tool_calls' : 'stop';
}

async function embed({ client, provider, request, control }: OllamaCall): Promise<UnifiedResponse> {
  const { texts } = request.input as EmbeddingInput;
  // Truncation would embed less than was asked, in silence; without it the server answers 400.
  const options = { num_ctx: request.contextWindow };
  const answer = await client.embed({ model: request.model, input: texts, truncate: false, options });
  control.throwIfStopped();

  annotate({ 'gen_ai.response.model': answer.model });
  return {
    text: '',
    toolCalls: [],
    vectors: vectorsOf(provider, answer.embeddings ?? [], texts, null),
    finishReason: 'stop',
    usage: ollamaUsage({ eval_count: 0, ...answer }),
    providerRequestId: null,
  };
}
