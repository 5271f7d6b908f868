import type { Book, BookEntry } from './book.ts';
import type { Call } from './endpoint.ts';
import { standIn } from './stand-in.ts';

/** Why an answer ends, in the book's words; each vendor has its own. */
type Finish = 'stop' | 'length' | 'tool_calls' | 'refusal';

/** An answer before it is put in a vendor's shape. */
export type Answer = {
  text: string;
  toolCalls: { name: string; arguments: Record<string, unknown> }[];
  finish: Finish;
  /** The whole input, what is cached and what is written to the cache included. */
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  /** The whole output, reasoning included. */
  outputTokens: number;
  reasoningTokens: number;
  latencyMs: number;
};

const CHARACTERS_PER_TOKEN = 4;
const REFUSAL = "I can't help with that.";

function countTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** Tokens that only recorded answers have. */
const NO_DETAILS = { cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };

type Content = Pick<Answer, 'text' | 'toolCalls' | 'finish'>;

/** The content of an answer as books have it. */
export function bookContent(answer: BookEntry['answer']): Content {
  if (typeof answer === 'string') return { text: answer, toolCalls: [], finish: 'stop' };
  const toolCalls = answer.tool_calls ?? [];
  return { text: answer.text, toolCalls, finish: answer.finish_reason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop') };
}

function outputTokens({ text, toolCalls }: Content): number {
  return countTokens(text.length + (toolCalls.length > 0 ? JSON.stringify(toolCalls).length : 0));
}

/** The book's answer to a call, or the stand-in for it. */
export function answerCall(book: Book, call: Call, key: string): Answer {
  if (call.embedding) return embeddingAnswer(call);
  const entry = book.find(call.model, key);
  const content = bookContent(entry?.answer ?? standIn(call));
  return {
    ...content,
    ...NO_DETAILS,
    inputTokens: entry?.usage?.input_tokens ?? countTokens(call.inputCharacters),
    outputTokens: entry?.usage?.output_tokens ?? outputTokens(content),
    latencyMs: entry?.latency_ms ?? 0,
  };
}

function embeddingAnswer(call: Call): Answer {
  return {
    text: '',
    toolCalls: [],
    finish: 'stop',
    ...NO_DETAILS,
    inputTokens: countTokens(call.inputCharacters),
    outputTokens: 0,
    latencyMs: 0,
  };
}

/** The first half of an answer, ended by the limit of tokens. */
export function truncatedAnswer(answer: Answer): Answer {
  const text = answer.text.slice(0, Math.ceil(answer.text.length / 2));
  return { ...answer, text, toolCalls: [], finish: 'length', outputTokens: Math.ceil(answer.outputTokens / 2) };
}

/** A refusal in place of the answer. Vendors bill it. */
export function refusedAnswer(answer: Answer): Answer {
  return { ...answer, text: REFUSAL, toolCalls: [], finish: 'refusal', outputTokens: countTokens(REFUSAL.length) };
}
