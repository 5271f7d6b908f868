import type { ChatInput, Message, Tool, ToolCall, UnifiedRequest } from '@upshift/contracts';
import { textOf } from '@upshift/contracts';
import type { ChatRequest, Message as OllamaMessage, Tool as OllamaTool } from 'ollama';

import { argumentsObject, dataUrlParts, defined, withoutDropped } from '../../chat-settings.ts';

/** The server would drop the first messages of a prompt that is too long, in silence; told not to, it answers 400. The SDK's type (0.6.4) lacks the field. */
type UntruncatedChat = ChatRequest & { stream: true; truncate: false };

/**
 * The body of a chat call. `reasoning_effort` is not sent: models that do not think refuse it. There is no tool choice:
 * `none` is kept by sending no tools, and jobs that say `required` are given to other providers.
 */
export function ollamaRequest(request: UnifiedRequest, given: ChatInput): UntruncatedChat {
  const input = withoutDropped(given, request.drop);
  const { temperature, top_p, seed, stop } = input;
  const offersTools = input.tools.length > 0 && input.tool_choice !== 'none';
  return {
    model: request.model,
    messages: ollamaMessages(input.messages),
    stream: true,
    truncate: false,
    options: {
      // Without it the server cuts the prompt to its own default, in silence.
      num_ctx: request.contextWindow,
      num_predict: request.maxOutputTokens,
      ...defined({ temperature, top_p, seed, stop }),
    },
    ...defined({ tools: offersTools ? input.tools.map(ollamaTool) : undefined, format: formatOf(input) }),
  };
}

/** Whether an image is anything but base64: the server fetches no URLs. */
export function hasForeignImage({ messages }: ChatInput): boolean {
  return messages.some((message) => imageUrls(message).some((url) => !dataUrlParts(url)));
}

function formatOf({ response_format: format }: ChatInput): string | object | undefined {
  if (format?.type === 'json_schema') return format.schema;
  return format?.type === 'json_object' ? 'json' : undefined;
}

function ollamaTool({ name, description, parameters }: Tool): OllamaTool {
  return { type: 'function', function: { name, parameters, ...defined({ description }) } };
}

/** A tool's result names the tool, because there are no call ids. */
function ollamaMessages(messages: Message[]): OllamaMessage[] {
  const names = new Map(messages.flatMap((message) => callsOf(message).map((call) => [call.id, call.name] as const)));
  return messages.map((message) => {
    if (message.role === 'tool')
      return { role: 'tool', content: message.content, ...defined({ tool_name: names.get(message.tool_call_id) }) };
    return {
      role: message.role,
      content: textOf(message),
      ...defined({ images: images(message), tool_calls: toolCalls(message) }),
    };
  });
}

function callsOf(message: Message): ToolCall[] {
  return message.role === 'assistant' ? (message.tool_calls ?? []) : [];
}

function toolCalls(message: Message): OllamaMessage['tool_calls'] {
  const calls = callsOf(message).map((call) => ({ function: { name: call.name, arguments: argumentsObject(call.arguments) } }));
  return calls.length === 0 ? undefined : calls;
}

/** Bytes and not text: the SDK takes a text that is the name of a local file for that file (ollama 0.6.4, encodeImage). */
function images(message: Message): Uint8Array[] | undefined {
  const found = imageUrls(message).map((url) => new Uint8Array(Buffer.from(dataUrlParts(url)?.base64 ?? '', 'base64')));
  return found.length === 0 ? undefined : found;
}

function imageUrls({ content }: Message): string[] {
  return typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image_url' ? [part.image_url.url] : []));
}
