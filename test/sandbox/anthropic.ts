import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { type Call, contentText, conversation, pieces, sseFrame, type Vendor } from './endpoint.ts';
import { Failure, parseBody } from './failure.ts';

const content = z.union([z.string().min(1), z.array(z.looseObject({ type: z.string() })).min(1)]);

const messagesRequest = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().positive(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content })).min(1),
  system: z.union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))]).optional(),
  stream: z.boolean().optional(),
  output_config: z
    .looseObject({
      format: z.looseObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .optional(),
});

type MessagesRequest = z.output<typeof messagesRequest>;

/** The parameters of @anthropic-ai/sdk 1.12 (`MessageCreateParamsBase`); the API refuses others. */
const PARAMETERS = new Set(
  `cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier speed stop_sequences stream
  system thinking tool_choice tools user_profile_id workspace_id`.split(/\s+/),
);

/** Gone since API version 2026-10-21: refused even at their default values. */
const REMOVED = new Set(['temperature', 'top_p', 'top_k']);

function refuseUnknown(request: object): void {
  const unknown = Object.keys(request).find((name) => !PARAMETERS.has(name));
  if (unknown === undefined) return;
  const reason = REMOVED.has(unknown) ? 'This parameter is not supported.' : 'Extra inputs are not permitted';
  throw new Failure(400, `${unknown}: ${reason}`, { param: unknown });
}

/** `POST /v1/messages`. */
function parseMessages(body: unknown, headers: NodeJS.Dict<string | string[]>): Call {
  if (headers['anthropic-version'] === undefined) throw new Failure(400, 'anthropic-version: header is required');
  const request = parseBody(messagesRequest, body);
  refuseUnknown(request);
  if (request.messages.at(-1)?.role !== 'user') throw new Failure(400, 'messages: final assistant content is not supported');
  return {
    model: `anthropic/${request.model}`,
    ...conversation(
      request.messages.map((turn) => ({ role: turn.role, text: contentText(turn.content) })),
      contentText(request.system),
    ),
    schema: request.output_config?.format?.schema,
    stream: request.stream ?? false,
    body: (answer, id) => message(request, answer, id),
    frames: (answer, id) => messageFrames(request, answer, id),
  };
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', refusal: 'refusal' } as const;

type Block = Anthropic.TextBlock | Anthropic.ToolUseBlock;

function blocks(answer: Answer, id: string): Block[] {
  const text: Block[] =
    answer.finish === 'refusal' || answer.text === '' ? [] : [{ type: 'text', text: answer.text, citations: null }];
  const calls = answer.toolCalls.map((call, index): Block => ({
    type: 'tool_use',
    id: `toolu_${id}_${index}`,
    name: call.name,
    input: call.arguments,
    caller: { type: 'direct' },
  }));
  return [...text, ...calls];
}

function ending(answer: Answer): Anthropic.RawMessageDeltaEvent['delta'] {
  const refused = answer.finish === 'refusal';
  return {
    container: null,
    stop_reason: STOP_REASONS[answer.finish],
    stop_sequence: null,
    stop_details: refused ? { type: 'refusal', category: null, explanation: answer.text } : null,
  };
}

/** The vendor counts cached tokens beside `input_tokens`, not within. */
function inputUsage({ inputTokens, cachedInputTokens, cacheWriteTokens }: Answer) {
  return {
    input_tokens: inputTokens - cachedInputTokens - cacheWriteTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedInputTokens,
  };
}

function usage(answer: Answer, outputTokens: number): Anthropic.Usage {
  return {
    ...inputUsage(answer),
    output_tokens: outputTokens,
    cache_creation: { ephemeral_5m_input_tokens: answer.cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
    inference_geo: null,
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: null,
    service_tier: 'standard',
    speed: 'standard',
  };
}

function message(request: MessagesRequest, answer: Answer, id: string): Anthropic.Message {
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: blocks(answer, id),
    diagnostics: null,
    ...ending(answer),
    usage: usage(answer, answer.outputTokens),
  };
}

function messageFrames(request: MessagesRequest, answer: Answer, id: string): string[] {
  const events: Anthropic.RawMessageStreamEvent[] = [
    { type: 'message_start', message: opening(request, answer, id) },
    ...blocks(answer, id).flatMap(blockEvents),
    { type: 'message_delta', delta: ending(answer), usage: finalUsage(answer) },
    { type: 'message_stop' },
  ];
  const frames = events.map((event) => sseFrame(event, event.type));
  // The vendor sends pings at any time; clients must skip them.
  frames.splice(1, 0, sseFrame({ type: 'ping' }, 'ping'));
  return frames;
}

function opening(request: MessagesRequest, answer: Answer, id: string): Anthropic.Message {
  const whole = message(request, answer, id);
  return { ...whole, content: [], stop_reason: null, stop_details: null, usage: usage(answer, 1) };
}

function finalUsage(answer: Answer): Anthropic.MessageDeltaUsage {
  return {
    ...inputUsage(answer),
    output_tokens: answer.outputTokens,
    output_tokens_details: { thinking_tokens: answer.reasoningTokens },
    server_tool_use: null,
  };
}

function blockEvents(block: Block, index: number): Anthropic.RawMessageStreamEvent[] {
  const empty: Block = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
  const deltas =
    block.type === 'text'
      ? pieces(block.text).map((text) => ({ type: 'text_delta' as const, text }))
      : pieces(JSON.stringify(block.input)).map((json) => ({ type: 'input_json_delta' as const, partial_json: json }));
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas.map((delta) => ({ type: 'content_block_delta' as const, index, delta })),
    { type: 'content_block_stop', index },
  ];
}

const ERROR_TYPES: Record<number, string> = {
  401: 'authentication_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

function error(failure: Failure, requestId: string): object {
  const type = ERROR_TYPES[failure.status] ?? 'invalid_request_error';
  return { type: 'error', error: { type, message: failure.message }, request_id: requestId };
}

const LIMITS = { requests: 4000, tokens: 2_400_000, 'input-tokens': 2_000_000, 'output-tokens': 400_000 };

function headers(requestId: string, limited: boolean): Record<string, string> {
  const reset = new Date(Date.now() + 1000).toISOString().replace(/\.\d+/, '');
  const limits = Object.entries(LIMITS).flatMap(([name, limit]) => [
    [`anthropic-ratelimit-${name}-limit`, String(limit)],
    [`anthropic-ratelimit-${name}-remaining`, String(limited ? 0 : limit - 1)],
    [`anthropic-ratelimit-${name}-reset`, reset],
  ]);
  return { 'request-id': requestId, ...Object.fromEntries(limits) };
}

function models(names: string[]): object {
  const data = names.map((id) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    lifecycle: 'active',
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: 1_000_000,
    max_tokens: 128_000,
    capabilities: null,
  }));
  return { data, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null };
}

/** Anthropic's Messages, API version 2026-10-21. */
export const anthropic: Vendor = {
  provider: 'anthropic',
  needsKey: true,
  overloadedStatus: 529,
  streamType: 'text/event-stream; charset=utf-8',
  brokenFrame: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n',
  headers,
  error,
  errorFrame: (failure, requestId) => sseFrame(error(failure, requestId), 'error'),
  modelsPath: '/v1/models',
  models,
  routes: { '/v1/messages': parseMessages },
};
