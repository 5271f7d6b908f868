import { isEmbedding, splitModelId } from '@upshift/contracts';
import type { HeardLimit, JobInput, UnifiedRequest, UnifiedResponse, Usage } from '@upshift/contracts';
import { annotate, inSpan } from '@upshift/runtime';
import type { ProviderSettings, SpanAttributes } from '@upshift/runtime';

import { adapters } from './adapters/index.ts';
import { longestAnswerBytes } from './answer-bounds.ts';
import { CallControl } from './call-control.ts';
import type { CallBounds } from './call-control.ts';
import { failedCall } from './call-failure.ts';
import { heardLimits } from './rate-limit-headers.ts';

/** One call of one model, with its bounds. */
export interface ModelCall {
  modelId: string;
  input: JobInput;
  /** Cap on the output, in tokens. */
  maxOutputTokens: number;
  /** Names of input parameters that this model rejects. */
  drop: string[];
  /** Tokens of input and output together. */
  contextWindow: number;
  /** `<job>.<revision>.<attempt>`. */
  requestId: string;
  /** Longest duration of the whole call. */
  timeoutMs: number;
  /** Longest silence within the answer, counted from its headers. */
  idleTimeoutMs: number;
  signal: AbortSignal;
  /** Told of the limits that the provider speaks of with its answer, be it an error. */
  onLimits?: (limits: HeardLimit[]) => void;
}

export interface ModelClient {
  /** Resolves with a whole answer, or rejects with a ModelCallError within the deadline. Any other error is a bug. */
  call(call: ModelCall): Promise<UnifiedResponse>;
}

/** A client for the given providers. It never retries: only the queue does. */
export function createModelClient(providers: ProviderSettings[]): ModelClient {
  const reachable = new Map(
    providers.map((settings) => [settings.id, { settings, adapter: adapters[settings.adapter](settings) }]),
  );

  return {
    async call(call) {
      const { provider, name } = splitModelId(call.modelId);
      const found = reachable.get(provider);
      const off = found ? found.settings.off : 'no such provider in the configuration';
      if (!found || off !== null) throw failedCall(provider, { code: 'provider_off', detail: off ?? '', maybeBilled: false });
      const { adapter } = found;
      const control = new CallControl(provider, boundsOf(call));
      const ask = () => adapter.call(unifiedRequest(call, name), control);
      return inCallSpan(provider, name, call, () => control.run(ask, adapter.failureOf));
    },
  };
}

function boundsOf({ input, maxOutputTokens, timeoutMs, idleTimeoutMs, signal, onLimits }: ModelCall): CallBounds {
  const onHeaders = onLimits && ((headers: Headers) => onLimits(heardLimits(headers, Date.now())));
  return { timeoutMs, idleTimeoutMs, longestAnswerBytes: longestAnswerBytes(input, maxOutputTokens), signal, onHeaders };
}

function unifiedRequest(call: ModelCall, model: string): UnifiedRequest {
  const { input, maxOutputTokens, drop, contextWindow, requestId } = call;
  return { model, input, maxOutputTokens, drop, contextWindow, requestId };
}

/** One span per call, as OpenTelemetry's conventions for generative AI have it. What is said and answered is left out. */
function inCallSpan(
  provider: string,
  model: string,
  { input, maxOutputTokens, requestId }: ModelCall,
  work: () => Promise<UnifiedResponse>,
): Promise<UnifiedResponse> {
  const operation = isEmbedding(input) ? 'embeddings' : 'chat';
  const attributes: SpanAttributes = {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': operation === 'chat' ? maxOutputTokens : null,
    'upshift.request.id': requestId,
  };
  return inSpan({ name: `${operation} ${model}`, kind: 'client', attributes }, async () => {
    const said = await work();
    const answer = { ...said, usage: soundUsage(said.usage) };
    annotate(answerAttributes(answer));
    return answer;
  });
}

/** Counts that can not be are unknown: what follows from them would be false, as a cost below 0. */
function soundUsage(usage: Usage | null): Usage | null {
  const isSound =
    usage !== null && Object.values(usage).every((count: unknown) => Number.isSafeInteger(count) && Number(count) >= 0);
  return isSound ? usage : null;
}

function answerAttributes({ finishReason, usage, providerRequestId }: UnifiedResponse): SpanAttributes {
  return {
    'gen_ai.response.finish_reasons': [finishReason],
    'gen_ai.usage.input_tokens': usage?.inputTokens,
    'gen_ai.usage.output_tokens': usage?.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage?.cachedInputTokens,
    'gen_ai.usage.cache_creation.input_tokens': usage?.cacheWriteTokens,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoningTokens,
    'upshift.provider.request_id': providerRequestId,
  };
}
