import type Anthropic from '@anthropic-ai/sdk';
import type { ChatInput, Message, Tool, UnifiedRequest } from '@upshift/contracts';

import {
  argumentsObject,
  callIdWithin,
  dataUrlParts,
  defined,
  jsonInWords,
  systemTextOf,
  withoutDropped,
  withTurn,
} from '../../chat-settings.ts';
import { enforceableSchema } from './anthropic-schema.ts';

/**
 * The body of a Messages call. `temperature`, `top_p` and `seed` are never sent: this version of the API refuses the
 * first two even at their defaults, and has no seed (SDK 1.x, API 2026-10-21).
 */
export function anthropicMessage(request: UnifiedRequest): Anthropic.MessageCreateParamsStreaming {
  const input = withTurn(withoutDropped(request.input as ChatInput, request.drop));
  return {
    model: request.model,
    max_tokens: request.maxOutputTokens,
    messages: anthropicMessages(input.messages),
    stream: true,
    ...defined({
      system: systemText(input),
      stop_sequences: stopSequences(input),
      tools: input.tools.length > 0 ? input.tools.map(anthropicTool) : undefined,
      tool_choice: toolChoice(input),
      output_config: outputConfig(input),
    }),
  };
}

function systemText(input: ChatInput): string | undefined {
  const texts = [systemTextOf(input) ?? '', formatInWords(input)].filter(hasContent);
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

/** There is no JSON mode without a schema, and not every schema is taken, so the model is asked in words. */
function formatInWords({ response_format: format }: ChatInput): string {
  if (format?.type === 'json_object') return jsonInWords;
  if (format?.type !== 'json_schema' || enforceableSchema(format.schema)) return '';
  return `Answer with JSON of this schema and nothing else:\n${JSON.stringify(format.schema)}`;
}

/** The API refuses white space alone, be it a sequence or a text. */
function stopSequences({ stop = [] }: ChatInput): string[] | undefined {
  const kept = stop.filter(hasContent);
  return kept.length === 0 ? undefined : kept;
}

function hasContent(text: string): boolean {
  return text.trim() !== '';
}

function toolChoice({ tools, tool_choice }: ChatInput): Anthropic.ToolChoice | undefined {
  if (tools.length === 0 || tool_choice === undefined) return undefined;
  return { type: tool_choice === 'required' ? 'any' : tool_choice };
}

function outputConfig({ response_format, reasoning_effort }: ChatInput): Anthropic.OutputConfig | undefined {
  // Claude has no effort below low: the vendor's default stands.
  const effort = reasoning_effort === 'none' || reasoning_effort === 'minimal' ? undefined : reasoning_effort;
  const schema = response_format?.type === 'json_schema' ? enforceableSchema(response_format.schema) : null;
  const format = schema ? { type: 'json_schema' as const, schema } : undefined;
  return effort || format ? defined({ effort, format }) : undefined;
}

function anthropicTool({ name, description, parameters }: Tool): Anthropic.Tool {
  return { name, input_schema: { type: 'object', ...parameters }, ...defined({ description }) };
}

/** Results of parallel tool calls must stand in one user message. */
function anthropicMessages(messages: Message[]): Anthropic.MessageParam[] {
  const turns: Anthropic.MessageParam[] = [];
  for (const message of messages) {
    const turn = anthropicTurn(message);
    const last = turns.at(-1);
    if (turn === null) continue;
    if (message.role === 'tool' && holdsToolResults(last)) last.content.push(...turn.content);
    else turns.push(turn);
  }
  return turns;
}

interface Turn {
  role: 'user' | 'assistant';
  content: Anthropic.ContentBlockParam[];
}

function holdsToolResults(turn: Anthropic.MessageParam | undefined): turn is Turn {
  return Array.isArray(turn?.content) && turn.content[0]?.type === 'tool_result';
}

/** Null for a system message, which goes elsewhere, and for a turn without content, which the API refuses. */
function anthropicTurn(message: Message): Turn | null {
  if (message.role === 'system') return null;
  const role = message.role === 'assistant' ? 'assistant' : 'user';
  const content = contentBlocks(message);
  return content.length === 0 ? null : { role, content };
}

function contentBlocks(message: Exclude<Message, { role: 'system' }>): Anthropic.ContentBlockParam[] {
  if (message.role === 'tool') {
    return [{ type: 'tool_result', tool_use_id: toolUseId(message.tool_call_id), content: message.content }];
  }
  // The API refuses to go on from white space, and what a model wrote may end so.
  if (message.role === 'assistant') return [...textBlocks(message.content.trimEnd()), ...toolUses(message)];
  if (typeof message.content === 'string') return textBlocks(message.content);
  return message.content.flatMap<Anthropic.ContentBlockParam>((part) =>
    part.type === 'text' ? textBlocks(part.text) : imageBlock(part.image_url.url),
  );
}

function textBlocks(text: string): Anthropic.TextBlockParam[] {
  return hasContent(text) ? [{ type: 'text', text }] : [];
}

function toolUses({ tool_calls = [] }: Extract<Message, { role: 'assistant' }>): Anthropic.ToolUseBlockParam[] {
  return tool_calls.map((call) => ({
    type: 'tool_use',
    id: toolUseId(call.id),
    name: call.name,
    input: argumentsObject(call.arguments),
  }));
}

/** Without the characters that this API refuses. */
function toolUseId(id: string): string {
  return callIdWithin(/^[a-zA-Z0-9_-]+$/, id);
}

function imageBlock(url: string): Anthropic.ImageBlockParam {
  const data = dataUrlParts(url);
  if (!data) return { type: 'image', source: { type: 'url', url } };
  // An unknown media type is the vendor's to refuse.
  const mediaType = data.mediaType as Anthropic.Base64ImageSource['media_type'];
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data: data.base64 } };
}
