import type { JobInput, Message, RouteConfig } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';

/** What a model is asked: the job's own input, with the prompt and the parameters that its route adds. Vectors stay as they are. */
export function asRouteSays(input: JobInput, route: RouteConfig): JobInput {
  if (isEmbedding(input)) return input;
  const { system_prompt: systemPrompt, prompt_prefix: promptPrefix, parameters } = route;
  if (systemPrompt === undefined && promptPrefix === undefined && parameters === undefined) return input;
  const told = systemPrompt === undefined ? input.messages : withSystemPrompt(input.messages, systemPrompt);
  const { max_output_tokens: _, ...others } = parameters ?? {};
  return { ...others, ...input, messages: promptPrefix === undefined ? told : withPrefix(told, promptPrefix) };
}

function withSystemPrompt(messages: Message[], content: string): Message[] {
  return [{ role: 'system', content }, ...messages.filter(({ role }) => role !== 'system')];
}

function withPrefix(messages: Message[], prefix: string): Message[] {
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, index) => {
    if (index !== last || message.role !== 'user') return message;
    const { content } = message;
    return {
      ...message,
      content: typeof content === 'string' ? `${prefix}${content}` : [{ type: 'text', text: prefix }, ...content],
    };
  });
}
