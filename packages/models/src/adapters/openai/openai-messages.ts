import type { ChatInput, ContentPart, Message, Tool, UnifiedRequest } from '@upshift/contracts';
import { textOf } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';
import type OpenAI from 'openai';

import { callIdWithin, defined, jsonInWords, systemTextOf, withoutDropped, withTurn } from '../../chat-settings.ts';
import { isStrict } from './openai-schema.ts';

type Format = Extract<NonNullable<ChatInput['response_format']>, { type: 'json_schema' }>;

/** The Responses API refuses a lower cap. */
const leastOutputTokens = 16;

/** The body of a Responses call. `seed` and `stop` do not exist there. Nothing is stored at the vendor. */
export function responsesRequest(request: UnifiedRequest): OpenAI.Responses.ResponseCreateParamsStreaming {
  const input = withTurn(withoutDropped(request.input as ChatInput, request.drop));
  const { temperature, top_p, tools, reasoning_effort: effort } = input;
  return {
    model: request.model,
    input: responsesInput(input),
    max_output_tokens: Math.max(leastOutputTokens, request.maxOutputTokens),
    store: false,
    stream: true,
    ...defined({
      instructions: systemTextOf(input),
      temperature,
      top_p,
      tools: tools.length > 0 ? tools.map(responsesTool) : undefined,
      tool_choice: tools.length > 0 ? input.tool_choice : undefined,
      reasoning: effort && { effort },
      text: input.response_format ? { format: responsesFormat(input.response_format) } : undefined,
    }),
  };
}

/** The body of a chat completions call, without what the server does not know. */
export function chatCompletionsRequest(
  request: UnifiedRequest,
  unknown: ProviderSettings['unknownParameters'],
): OpenAI.ChatCompletionCreateParamsStreaming {
  const input = withoutDropped(request.input as ChatInput, request.drop);
  const { temperature, top_p, seed, stop, tools, reasoning_effort } = input;
  return {
    model: request.model,
    messages: chatMessages(input),
    [unknown.includes('max_completion_tokens') ? 'max_tokens' : 'max_completion_tokens']: request.maxOutputTokens,
    stream: true,
    // Without it OpenAI's own stream tells no usage.
    ...(!unknown.includes('stream_options') && { stream_options: { include_usage: true } }),
    ...defined({
      temperature,
      top_p,
      seed,
      stop,
      reasoning_effort,
      tools: tools.length > 0 ? tools.map(chatTool) : undefined,
      tool_choice: tools.length > 0 ? input.tool_choice : undefined,
      response_format: input.response_format ? chatFormat(input.response_format) : undefined,
    }),
  };
}

function responsesInput(input: ChatInput): OpenAI.Responses.ResponseInputItem[] {
  const items = input.messages.flatMap(inputItems);
  const inInput = input.messages.filter(({ role }) => role === 'user' || role === 'assistant');
  return lacksWordJson(input, inInput) ? [...items, { role: 'developer', content: jsonInWords }] : items;
}

function chatMessages(input: ChatInput): OpenAI.ChatCompletionMessageParam[] {
  const messages = input.messages.map(chatMessage);
  if (!lacksWordJson(input, input.messages)) return messages;
  const [first, ...others] = input.messages;
  // Some compatible servers take one system message only, and only as the first.
  if (first?.role !== 'system') return [{ role: 'system', content: jsonInWords }, ...messages];
  return [{ role: 'system', content: `${first.content}\n\n${jsonInWords}` }, ...others.map(chatMessage)];
}

/** The vendor refuses `json_object` where these messages do not have the word. */
function lacksWordJson({ response_format: format }: ChatInput, counted: Message[]): boolean {
  return format?.type === 'json_object' && !counted.some((message) => /json/i.test(textOf(message)));
}

/** System messages go to `instructions`. */
function inputItems(message: Message): OpenAI.Responses.ResponseInputItem[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', content: typeof message.content === 'string' ? message.content : message.content.map(inputPart) }];
    case 'assistant':
      return assistantItems(message);
    case 'tool':
      return [{ type: 'function_call_output', call_id: callId(message.tool_call_id), output: message.content }];
  }
}

function assistantItems({
  content,
  tool_calls = [],
}: Extract<Message, { role: 'assistant' }>): OpenAI.Responses.ResponseInputItem[] {
  const calls = tool_calls.map((call) => ({
    type: 'function_call' as const,
    call_id: callId(call.id),
    name: call.name,
    arguments: call.arguments,
  }));
  return [...(content === '' ? [] : [{ role: 'assistant' as const, content }]), ...calls];
}

/** As short as chat completions want it; Responses would take 64 characters. */
function callId(id: string): string {
  return callIdWithin(/^.{1,40}$/s, id);
}

function inputPart(part: ContentPart): OpenAI.Responses.ResponseInputContent {
  if (part.type === 'text') return { type: 'input_text', text: part.text };
  return { type: 'input_image', image_url: part.image_url.url, detail: 'auto' };
}

function responsesTool({ name, description, parameters }: Tool): OpenAI.Responses.FunctionTool {
  // Strict would refuse schemas with optional fields.
  return { type: 'function', name, parameters, strict: false, ...defined({ description }) };
}

function chatTool({ name, description, parameters }: Tool): OpenAI.ChatCompletionFunctionTool {
  return { type: 'function', function: { name, parameters, ...defined({ description }) } };
}

function responsesFormat(format: NonNullable<ChatInput['response_format']>): OpenAI.Responses.ResponseFormatTextConfig {
  return format.type === 'json_schema' ? { type: 'json_schema', ...namedSchema(format) } : format;
}

function chatFormat(
  format: NonNullable<ChatInput['response_format']>,
): NonNullable<OpenAI.ChatCompletionCreateParams['response_format']> {
  return format.type === 'json_schema' ? { type: 'json_schema', json_schema: namedSchema(format) } : format;
}

function namedSchema({ name, schema }: Format): { name: string; schema: Record<string, unknown>; strict: boolean } {
  return { name, schema, strict: isStrict(schema) };
}

function chatMessage(message: Message): OpenAI.ChatCompletionMessageParam {
  if (message.role === 'tool') return { ...message, tool_call_id: callId(message.tool_call_id) };
  if (message.role !== 'assistant') return message;
  const { content, tool_calls = [] } = message;
  if (tool_calls.length === 0) return { role: 'assistant', content };
  const calls = tool_calls.map(({ id, name, arguments: text }) => ({
    id: callId(id),
    type: 'function' as const,
    function: { name, arguments: text },
  }));
  return { role: 'assistant', content: content === '' ? null : content, tool_calls: calls };
}
