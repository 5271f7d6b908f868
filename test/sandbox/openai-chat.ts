import type OpenAI from 'openai';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { type Call, contentText, conversation, pieces, sseFrame } from './endpoint.ts';
import { Failure, parseBody } from './failure.ts';
import { jsonSchemaFormat, refuseUnknown } from './openai-request.ts';

const chatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['developer', 'system', 'user', 'assistant', 'tool', 'function']),
        content: z.unknown().optional(),
      }),
    )
    .min(1),
  n: z.literal(1, 'the sandbox gives one choice').nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  response_format: z
    .discriminatedUnion('type', [
      z.looseObject({ type: z.literal('text') }),
      z.looseObject({ type: z.literal('json_object') }),
      z.looseObject({ type: z.literal('json_schema'), json_schema: jsonSchemaFormat }),
    ])
    .optional(),
});

type ChatRequest = z.output<typeof chatRequest>;

/** The parameters of openai 7.57 (`ChatCompletionCreateParamsBase`); the API refuses others. */
const PARAMETERS = new Set(
  `audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata modalities model
  moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort
  response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user
  verbosity web_search_options`.split(/\s+/),
);

/** `POST /v1/chat/completions`. */
export function parseChat(body: unknown): Call {
  const request = parseBody(chatRequest, body);
  refuseUnknown(request, PARAMETERS);
  if (request.stream_options && !request.stream) {
    throw new Failure(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: 'stream_options',
    });
  }
  return {
    model: `openai/${request.model}`,
    ...conversation(request.messages.map(({ role, content }) => ({ role, text: contentText(content) }))),
    schema: schemaOf(request),
    stream: request.stream ?? false,
    body: (answer, id) => completion(request, answer, id),
    frames: (answer, id) => completionFrames(request, answer, id),
  };
}

function schemaOf({ response_format: format }: ChatRequest): unknown {
  if (format?.type === 'json_schema') return format.json_schema.schema ?? true;
  return format?.type === 'json_object' ? true : undefined;
}

function finishReason({ finish }: Answer): 'stop' | 'length' | 'tool_calls' {
  return finish === 'refusal' ? 'stop' : finish;
}

function toolCalls(answer: Answer, id: string): OpenAI.ChatCompletionMessageFunctionToolCall[] {
  return answer.toolCalls.map((call, index) => ({
    id: `call_${id}_${index}`,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
}

function message(answer: Answer, id: string): OpenAI.ChatCompletionMessage {
  const refused = answer.finish === 'refusal';
  const calls = toolCalls(answer, id);
  return {
    role: 'assistant',
    content: refused || (calls.length > 0 && answer.text === '') ? null : answer.text,
    refusal: refused ? answer.text : null,
    annotations: [],
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function usage(answer: Answer): OpenAI.CompletionUsage {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = answer;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens, cache_write_tokens: cacheWriteTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function completion(request: ChatRequest, answer: Answer, id: string): OpenAI.ChatCompletion {
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    choices: [{ index: 0, message: message(answer, id), finish_reason: finishReason(answer), logprobs: null }],
    usage: usage(answer),
    service_tier: 'default',
  };
}

type Delta = OpenAI.ChatCompletionChunk.Choice.Delta;

function deltas(answer: Answer, id: string): Delta[] {
  const field = answer.finish === 'refusal' ? 'refusal' : 'content';
  return [
    { role: 'assistant', content: answer.finish === 'refusal' || answer.text === '' ? null : '' },
    ...pieces(answer.text).map((piece): Delta => ({ [field]: piece })),
    ...toolCalls(answer, id).flatMap(toolCallDeltas),
  ];
}

function toolCallDeltas(call: OpenAI.ChatCompletionMessageFunctionToolCall, index: number): Delta[] {
  const opening = { index, id: call.id, type: call.type, function: { name: call.function.name, arguments: '' } };
  const parts = pieces(call.function.arguments).map((piece) => ({ index, function: { arguments: piece } }));
  return [opening, ...parts].map((part) => ({ tool_calls: [part] }));
}

function completionFrames(request: ChatRequest, answer: Answer, id: string): string[] {
  const base = {
    id: `chatcmpl-${id}`,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  } as const;
  const includeUsage = request.stream_options?.include_usage === true;
  const chunk = (delta: Delta, reason: OpenAI.ChatCompletionChunk.Choice['finish_reason']): OpenAI.ChatCompletionChunk => ({
    ...base,
    choices: [{ index: 0, delta, finish_reason: reason, logprobs: null }],
    ...(includeUsage && { usage: null }),
  });
  const chunks = [...deltas(answer, id).map((delta) => chunk(delta, null)), chunk({}, finishReason(answer))];
  if (includeUsage) chunks.push({ ...base, choices: [], usage: usage(answer) });
  return [...chunks.map((data) => sseFrame(data)), 'data: [DONE]\n\n'];
}
