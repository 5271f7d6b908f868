import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

import type { JobInput } from '@upshift/contracts';
import { isEmbedding } from '@upshift/contracts';

/** Bytes that any answer may have: headers of a stream, errors, a model's list. */
const BASE_BYTES = 1_000_000;
/** Bytes of a stream per token of output: an event of OpenAI's Responses has about 300, and the text comes again at the end. */
const BYTES_PER_TOKEN = 1024;
/** Bytes of one vector as JSON: 4,096 numbers of up to 24 characters. */
const BYTES_PER_VECTOR = 100_000;
/** How often a stream repeats what was asked: Responses sends instructions and tools at its start and its end. */
const ECHOES = 4;

/** How long an honest answer to this call can be, in bytes; what was sent is counted by `echoBytes`. */
export function longestAnswerBytes(input: JobInput, maxOutputTokens: number): number {
  const bytes = isEmbedding(input) ? input.texts.length * BYTES_PER_VECTOR : maxOutputTokens * BYTES_PER_TOKEN;
  return BASE_BYTES + bytes;
}

/** What of an answer may be a repetition of the request, in bytes. */
export function echoBytes(sentBytes: number): number {
  return sentBytes * ECHOES;
}

/** Sees all bytes of an answer, null for its end, and says what is wrong with them. */
export class AnswerInspector {
  readonly #longestBytes: number;
  #bytes = 0;
  /** Set from the first character that two parts share: a part by itself is no longer valid then. */
  #decoder: TextDecoder | null = null;

  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes;
  }

  see(part: Buffer | null, status: number): string | null {
    this.#bytes += part?.length ?? 0;
    if (this.#bytes > this.#longestBytes) return `more than ${this.#longestBytes} bytes`;
    return isError(status) || this.#isText(part) ? null : 'invalid UTF-8';
  }

  #isText(part: Buffer | null): boolean {
    if (this.#decoder === null && (part === null || isUtf8(part))) return true;
    this.#decoder ??= new TextDecoder('utf-8', { fatal: true });
    try {
      this.#decoder.decode(part ?? undefined, { stream: part !== null });
      return true;
    } catch {
      return false;
    }
  }
}

const readableTypes = /^(application\/(json|x-ndjson|jsonl|octet-stream|problem\+json)|text\/(event-stream|plain))\b/i;

/** Its status says enough, however the page of a proxy is written. */
function isError(status: number): boolean {
  return status >= 400;
}

/** Why an answer with these headers is none of a model's; null for one that may be read. */
export function badHeaders(status: number, headers: Headers): string | null {
  if (isError(status)) return null;
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') return `content-encoding ${encoding}, which was not asked for`;
  const type = headers.get('content-type');
  return type === null || readableTypes.test(type) ? null : `content-type ${type.split(';', 1)[0]}`;
}
