import type OpenAI from 'openai';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { type Call, contentText, conversation, pieces, sseFrame } from './endpoint.ts';
import { Failure, parseBody } from './failure.ts';
import { jsonSchemaFormat, refuseUnknown } from './openai-request.ts';

type Response = OpenAI.Responses.Response;
type OutputItem = OpenAI.Responses.ResponseOutputMessage | OpenAI.Responses.ResponseFunctionToolCall;
type StreamEvent = OpenAI.Responses.ResponseStreamEvent;
/** An event before it is numbered. */
type Event = StreamEvent extends infer One ? (One extends StreamEvent ? Omit<One, 'sequence_number'> : never) : never;

const inputItem = z.looseObject({
  type: z.string().optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: z.unknown().optional(),
});

const responsesRequest = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string().min(1), z.array(inputItem).min(1)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  stream: z.boolean().nullish(),
  background: z.literal(false, 'the sandbox does not generate in the background').nullish(),
  text: z
    .looseObject({
      format: z
        .discriminatedUnion('type', [
          z.looseObject({ type: z.literal('text') }),
          z.looseObject({ type: z.literal('json_object') }),
          z.looseObject({ type: z.literal('json_schema'), ...jsonSchemaFormat.required().shape }),
        ])
        .optional(),
    })
    .optional(),
});

type ResponsesRequest = z.output<typeof responsesRequest>;

/** The parameters of openai 7.57 (`ResponseCreateParamsBase`); the API refuses others. */
const PARAMETERS = new Set(
  `access_programs background context_management conversation image include input instructions max_output_tokens max_tool_calls metadata model
  moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
  safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user`.split(
    /\s+/,
  ),
);

/** `POST /v1/responses`. */
export function parseResponses(body: unknown): Call {
  const request = parseBody(responsesRequest, body);
  refuseUnknown(request, PARAMETERS);
  const turns = inputTurns(request.input);
  if (turns.length === 0) throw new Failure(400, 'input: no message in it', { param: 'input' });
  return {
    model: `openai/${request.model}`,
    ...conversation(turns, request.instructions ?? ''),
    schema: schemaOf(request),
    stream: request.stream ?? false,
    body: (answer, id) => response(request, answer, id),
    frames: (answer, id) => responseFrames(request, answer, id),
  };
}

function inputTurns(input: ResponsesRequest['input']): { role: string; text: string }[] {
  if (typeof input === 'string') return [{ role: 'user', text: input }];
  return input.flatMap(({ role, content }) =>
    role === undefined ? [] : [{ role, text: contentText(content, ['input_text', 'output_text']) }],
  );
}

function schemaOf(request: ResponsesRequest): unknown {
  const format = request.text?.format;
  if (format?.type === 'json_schema') return format.schema;
  return format?.type === 'json_object' ? true : undefined;
}

function messageItem(answer: Answer, id: string): OpenAI.Responses.ResponseOutputMessage {
  const refused = answer.finish === 'refusal';
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    status: answer.finish === 'length' ? 'incomplete' : 'completed',
    content: [
      refused
        ? { type: 'refusal', refusal: answer.text }
        : { type: 'output_text', text: answer.text, annotations: [], logprobs: [] },
    ],
  };
}

function outputItems(answer: Answer, id: string): OutputItem[] {
  const calls = answer.toolCalls.map((call, index): OutputItem => ({
    id: `fc_${id}_${index}`,
    call_id: `call_${id}_${index}`,
    type: 'function_call',
    status: 'completed',
    name: call.name,
    arguments: JSON.stringify(call.arguments),
  }));
  // A model that only calls tools writes no message.
  return answer.text === '' && calls.length > 0 ? calls : [messageItem(answer, id), ...calls];
}

function usage(answer: Answer): OpenAI.Responses.ResponseUsage {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = answer;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens, cache_write_tokens: cacheWriteTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  };
}

/** The wire has no `output_text`: the SDK computes it. */
type WireResponse = Omit<Response, 'output_text'>;

function response(request: ResponsesRequest, answer: Answer, id: string): WireResponse {
  const incomplete = answer.finish === 'length';
  return {
    ...started(request, id),
    status: incomplete ? 'incomplete' : 'completed',
    incomplete_details: incomplete ? { reason: 'max_output_tokens' } : null,
    output: outputItems(answer, id),
    usage: usage(answer),
  };
}

function started(request: ResponsesRequest, id: string): WireResponse {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    background: false,
    access_programs: null,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: {},
    model: request.model,
    output: [],
    parallel_tool_calls: true,
    service_tier: 'default',
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
  };
}

function responseFrames(request: ResponsesRequest, answer: Answer, id: string): string[] {
  const opening = started(request, id) as Response;
  const final = response(request, answer, id) as Response;
  const events: Event[] = [
    { type: 'response.created', response: opening },
    { type: 'response.in_progress', response: opening },
    ...final.output.flatMap((item, index) => itemEvents(item as OutputItem, index)),
    final.status === 'incomplete'
      ? { type: 'response.incomplete', response: final }
      : { type: 'response.completed', response: final },
  ];
  return events.map((event, index) => sseFrame({ ...event, sequence_number: index }, event.type));
}

function itemEvents(item: OutputItem, index: number): Event[] {
  const empty: OutputItem =
    item.type === 'message' ? { ...item, content: [], status: 'in_progress' } : { ...item, arguments: '', status: 'in_progress' };
  return [
    { type: 'response.output_item.added', output_index: index, item: empty },
    ...(item.type === 'message' ? messageEvents(item, index) : functionCallEvents(item, index)),
    { type: 'response.output_item.done', output_index: index, item },
  ];
}

function messageEvents(item: OpenAI.Responses.ResponseOutputMessage, index: number): Event[] {
  const at = { item_id: item.id, output_index: index, content_index: 0 };
  return item.content.flatMap((part): Event[] => [
    {
      type: 'response.content_part.added',
      ...at,
      part: part.type === 'refusal' ? { ...part, refusal: '' } : { ...part, text: '' },
    },
    ...(part.type === 'refusal' ? refusalEvents(part.refusal, at) : textEvents(part.text, at)),
    { type: 'response.content_part.done', ...at, part },
  ]);
}

type Place = { item_id: string; output_index: number; content_index: number };

function textEvents(text: string, at: Place): Event[] {
  return [
    ...pieces(text).map((delta): Event => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text, logprobs: [] },
  ];
}

function refusalEvents(refusal: string, at: Place): Event[] {
  return [
    ...pieces(refusal).map((delta): Event => ({ type: 'response.refusal.delta', ...at, delta })),
    { type: 'response.refusal.done', ...at, refusal },
  ];
}

function functionCallEvents(item: OpenAI.Responses.ResponseFunctionToolCall, index: number): Event[] {
  const at = { item_id: item.id ?? item.call_id, output_index: index };
  return [
    ...pieces(item.arguments).map((delta): Event => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
    { type: 'response.function_call_arguments.done', ...at, arguments: item.arguments },
  ];
}
