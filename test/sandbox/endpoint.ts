import type { Answer } from './answer.ts';
import type { Failure } from './failure.ts';

/** A parsed request: what the answer book, the faults and the ledger need, and how its answer is written on the wire. */
export type Call = {
  /** Book model id: `provider/model`. */
  model: string;
  system: string;
  /** Text of the last user message, which the book is keyed by. */
  text: string;
  /** Characters of the whole input, for usage that no book states. */
  inputCharacters: number;
  /** The JSON Schema the answer must be valid for; `true` is any JSON object. */
  schema?: unknown;
  stream: boolean;
  /** Embeddings have input tokens only, and no answer in the book. */
  embedding?: true;
  /** The response body. `id` is unique per response. */
  body(answer: Answer, id: string): object;
  /** The same answer as frames of a stream, each with its separator. */
  frames(answer: Answer, id: string): string[];
};

/** What all endpoints of one vendor share. */
export type Vendor = {
  provider: string;
  needsKey: boolean;
  overloadedStatus: 503 | 529;
  streamType: string;
  /** A frame of a stream whose JSON is cut off. */
  brokenFrame: string;
  headers(requestId: string, limited: boolean): Record<string, string>;
  error(failure: Failure, requestId: string): object;
  /** An error in the middle of a stream. */
  errorFrame(failure: Failure, requestId: string): string;
  modelsPath: string;
  models(names: string[]): object;
  /** The POST routes, by path below the vendor's prefix; each turns a JSON body into a call or throws a Failure. */
  routes: Record<string, (body: unknown, headers: NodeJS.Dict<string | string[]>) => Call>;
};

/** One server-sent event. */
export function sseFrame(data: unknown, event?: string): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `${name}data: ${JSON.stringify(data)}\n\n`;
}

const MOST_PIECES = 64;
const SHORTEST_PIECE = 12;

/** Cuts a text into the deltas of a stream: 12 characters each or more, 64 deltas at most. */
export function pieces(text: string): string[] {
  const size = Math.max(SHORTEST_PIECE, Math.ceil(text.length / MOST_PIECES));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
}

/** The text of a message's content: a string, or the parts of the given types joined by a line feed. */
export function contentText(content: unknown, types: readonly string[] = ['text']): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .filter((part) => types.includes(part?.type) && typeof part.text === 'string')
    .map((part) => part.text)
    .join('\n');
}

type Turn = { role: string; text: string };

/** The facts of a conversation that every vendor's chat shares. The last user message is the last one with text, so a tool's result does not count. */
export function conversation(turns: readonly Turn[], instructions = ''): Pick<Call, 'system' | 'text' | 'inputCharacters'> {
  const system = turns.filter((turn) => turn.role === 'system' || turn.role === 'developer').map((turn) => turn.text);
  return {
    system: [instructions, ...system].filter((text) => text !== '').join('\n'),
    text: turns.findLast((turn) => turn.role === 'user' && turn.text !== '')?.text ?? '',
    inputCharacters: turns.reduce((sum, turn) => sum + turn.text.length, instructions.length),
  };
}
