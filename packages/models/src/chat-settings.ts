import { createHash } from 'node:crypto';

import type { ChatInput } from '@upshift/contracts';

/** The input without the parameters that the model rejects. Messages can not be dropped. */
export function withoutDropped(input: ChatInput, drop: string[]): ChatInput {
  const kept = Object.entries(input).filter(([name]) => !drop.includes(name));
  return { tools: [], response_format: null, ...Object.fromEntries(kept), messages: input.messages };
}

/** The object without its undefined members, which the vendors' types do not allow. */
export function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** All system messages as one text, for vendors that take it apart from the conversation; undefined without any. */
export function systemTextOf(input: ChatInput): string | undefined {
  const texts = input.messages.flatMap((message) => (message.role === 'system' ? [message.content] : []));
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

/** System messages alone are no conversation to some vendors: there they become the user's. */
export function withTurn(input: ChatInput): ChatInput {
  if (input.messages.some(({ role }) => role !== 'system')) return input;
  return { ...input, messages: input.messages.map(({ content }) => ({ role: 'user', content })) };
}

/**
 * The id of a tool call as a vendor takes it: another vendor's may be too long or have other characters. The same id becomes the same one,
 * another id another.
 */
export function callIdWithin(taken: RegExp, id: string): string {
  return taken.test(id) ? id : createHash('sha256').update(id).digest('base64url').slice(0, 40);
}

/** Arguments that a model wrote, as the object that Anthropic and Ollama want. Broken ones are kept readable, not lost. */
export function argumentsObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  } catch {
    // Not JSON: kept as text below.
  }
  return text.trim() === '' ? {} : { unparsed: text };
}

/** Asks for JSON where a vendor has no mode for it, or has it only with the word. */
export const jsonInWords = 'Answer with one JSON object and nothing else.';

/** Media type and base64 text of a data URL; null for any other URL. */
export function dataUrlParts(url: string): { mediaType: string; base64: string } | null {
  const match = /^data:([\w.+-]+\/[\w.+-]+);base64,([A-Za-z0-9+/=\s]+)$/.exec(url);
  return match ? { mediaType: match[1] ?? '', base64: match[2] ?? '' } : null;
}
