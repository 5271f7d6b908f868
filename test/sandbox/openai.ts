import type OpenAI from 'openai';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { embed, embeddingDimensions, embeddingInput, inputTexts, toBase64 } from './embedding.ts';
import { type Call, conversation, sseFrame, type Vendor } from './endpoint.ts';
import { type Failure, parseBody } from './failure.ts';
import { parseChat } from './openai-chat.ts';
import { parseResponses } from './openai-responses.ts';

const embeddingRequest = z.strictObject({
  model: z.string().min(1),
  input: embeddingInput,
  dimensions: embeddingDimensions,
  encoding_format: z.enum(['float', 'base64']).default('float'),
  user: z.string().optional(),
});

type EmbeddingRequest = z.output<typeof embeddingRequest>;

function parseEmbeddings(body: unknown): Call {
  const request = parseBody(embeddingRequest, body);
  const text = inputTexts(request.input).join('\n');
  return {
    model: `openai/${request.model}`,
    ...conversation([{ role: 'user', text }]),
    stream: false,
    embedding: true,
    body: (answer) => embeddingList(request, answer),
    frames: () => [],
  };
}

function embeddingList(request: EmbeddingRequest, answer: Answer): object {
  const encode = request.encoding_format === 'base64' ? toBase64 : (vector: number[]) => vector;
  return {
    object: 'list',
    model: request.model,
    data: inputTexts(request.input).map((text, index) => ({
      object: 'embedding',
      index,
      embedding: encode(embed(text, request.dimensions)),
    })),
    usage: { prompt_tokens: answer.inputTokens, total_tokens: answer.inputTokens },
  };
}

const ERROR_TYPES: Record<number, { type: string; code: string | null }> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
  500: { type: 'server_error', code: 'server_error' },
  503: { type: 'server_error', code: 'server_is_overloaded' },
};

function error({ status, message, details }: Failure): { error: object } {
  const { type, code } = ERROR_TYPES[status] ?? { type: 'invalid_request_error', code: null };
  return { error: { message, type, param: details.param ?? null, code: details.code ?? code } };
}

const LIMIT = { requests: 10_000, tokens: 2_000_000 };

function headers(requestId: string, limited: boolean): Record<string, string> {
  return {
    'x-request-id': requestId,
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': String(LIMIT.requests),
    'x-ratelimit-limit-tokens': String(LIMIT.tokens),
    'x-ratelimit-remaining-requests': String(limited ? 0 : LIMIT.requests - 1),
    'x-ratelimit-remaining-tokens': String(limited ? 0 : LIMIT.tokens - 1),
    'x-ratelimit-reset-requests': limited ? '1s' : '6ms',
    'x-ratelimit-reset-tokens': limited ? '1s' : '0s',
  };
}

function models(names: string[]): object {
  const data = names.map((id): OpenAI.Model => ({ id, object: 'model', created: 1_767_225_600, owned_by: 'openai' }));
  return { object: 'list', data };
}

/** OpenAI's Responses, Chat Completions and Embeddings. */
export const openai: Vendor = {
  provider: 'openai',
  needsKey: true,
  overloadedStatus: 503,
  streamType: 'text/event-stream; charset=utf-8',
  brokenFrame: 'data: {"object":"chat.completion.chunk","choi\n\n',
  headers,
  error,
  errorFrame: (failure) => sseFrame(error(failure)),
  modelsPath: '/v1/models',
  models,
  routes: {
    '/v1/chat/completions': parseChat,
    '/v1/responses': parseResponses,
    '/v1/embeddings': parseEmbeddings,
  },
};
