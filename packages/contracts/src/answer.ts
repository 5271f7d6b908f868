import type { JobInput, ToolCall } from './input.ts';

/** One vocabulary for why a model stopped. `refusal` is a policy refusal: HTTP 200, billed, and never escalated. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'refusal';

/**
 * Tokens as the vendor billed them. `inputTokens` is the whole input, cached and cache-written tokens included;
 * `outputTokens` includes reasoning tokens.
 */
export interface Usage {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
}

/** What every adapter is asked: the model's own name at its provider, and the job's input. */
export interface UnifiedRequest {
  model: string;
  input: JobInput;
  /** Cap on the output, in tokens: the job's wish within the model's limit. */
  maxOutputTokens: number;
  /** Names of input parameters that this model rejects: they are left out of the call. */
  drop: string[];
  /** Context window to ask for, in tokens: Ollama truncates silently without it. */
  contextWindow: number;
  /** `<job>.<revision>.<attempt>`, sent as `x-client-request-id`, so that a provider's log can be matched with ours. */
  requestId: string;
}

/** What every adapter answers. `usage` is null where the provider did not say: unknown, never 0. */
export interface UnifiedResponse {
  text: string;
  toolCalls: ToolCall[];
  /** One vector per text of an embedding job, in order; else null. */
  vectors: number[][] | null;
  finishReason: FinishReason;
  usage: Usage | null;
  /** The provider's own id of the call, for its support. */
  providerRequestId: string | null;
}
