import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Longest time for a name, a connection and its encryption, in ms: a server that is there needs far less. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Told of what happens on the wire. */
export interface Watch {
  /** From here on the server may have the request. */
  connected(): void;
  /** Bytes of the answer came, null for its headers or its end. */
  heard(bytes: Buffer | null): void;
}

/** A request under way and its answer. */
export interface Exchange {
  answer: Promise<Response>;
  /** Ends the connection, unless the answer was read to its end. */
  close(): void;
}

/**
 * Sends one request over a kept connection. Redirects are not followed and encodings not asked for. Node's own client, because
 * global fetch takes about three times its time.
 */
export function startExchange(url: string, init: RequestInit, watch: Watch): Exchange {
  const body = init.body;
  if (typeof body !== 'string' && body !== undefined && body !== null) throw new Error('an SDK sent a body that is not text');
  const request = open(url, { method: init.method ?? 'GET', headers: headersOf(init.headers, body ?? '') });
  let received: IncomingMessage | null = null;
  const answer = new Promise<Response>((resolve, reject) => {
    request.on('error', reject);
    request.once('response', (message) => {
      received = message;
      watch.heard(null);
      resolve(new Answer(url, message, watch) as unknown as Response);
    });
  });
  watchConnection(request, watch);
  request.end(body ?? undefined);
  return { answer, close: () => void (received?.complete || request.destroy()) };
}

function open(url: string, options: RequestOptions): ClientRequest {
  return url.startsWith('https:') ? requestHttps(url, options) : requestHttp(url, options);
}

function headersOf(given: RequestInit['headers'], body: string): Record<string, string> {
  const headers = given instanceof Headers ? Object.fromEntries(given) : { ...(given as Record<string, string> | undefined) };
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) };
}

function watchConnection(request: ClientRequest, watch: Watch): void {
  request.once('socket', (socket) => {
    if (request.reusedSocket) return watch.connected();
    const late = Object.assign(new Error('no connection in time'), { code: 'CONNECT_TIMEOUT' });
    const timer = setTimeout(() => request.destroy(late), CONNECT_TIMEOUT_MS);
    request.once('close', () => clearTimeout(timer));
    socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      watch.connected();
    });
  });
}

/** As much of a Response as the vendors' SDKs use. */
class Answer {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: AnswerBody;

  constructor(url: string, message: IncomingMessage, watch: Watch) {
    this.url = url;
    this.status = message.statusCode ?? 0;
    this.statusText = message.statusMessage ?? '';
    this.headers = readableHeaders(message);
    this.body = new AnswerBody(message, watch);
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  async text(): Promise<string> {
    const parts: Buffer[] = [];
    for await (const part of this.body) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }
}

function readableHeaders({ headers: received }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received)) {
    try {
      headers.set(name, String(value));
    } catch {
      // Bytes that no header may have: the answer may still be good.
    }
  }
  return headers;
}

interface Waiting {
  resolve(result: IteratorResult<Buffer, undefined>): void;
  reject(error: Error): void;
}

const END: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

/** The bytes of an answer, as they come. Read in place of a web stream, which costs several times the time. */
class AnswerBody implements AsyncIterableIterator<Buffer, undefined> {
  #parts: Buffer[] = [];
  #over: Error | 'end' | null = null;
  #waiting: Waiting | null = null;

  constructor(message: IncomingMessage, watch: Watch) {
    message.on('data', (part: Buffer) => {
      watch.heard(part);
      this.#parts.push(part);
      this.#deliver();
    });
    message.on('end', () => {
      watch.heard(null);
      this.#end('end');
    });
    message.on('error', (error) => this.#end(error));
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }

  /** What is not read is thrown away, so that the connection can be used again. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#over = 'end';
    this.#parts = [];
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(how: Error | 'end'): void {
    this.#over ??= how;
    this.#deliver();
  }

  #deliver(): void {
    const waiting = this.#waiting;
    const part = this.#parts.length > 1 ? Buffer.concat(this.#parts) : this.#parts[0];
    if (waiting === null || (part === undefined && this.#over === null)) return;
    this.#waiting = null;
    this.#parts = [];
    if (part !== undefined) waiting.resolve({ done: false, value: part });
    else if (this.#over instanceof Error) waiting.reject(this.#over);
    else waiting.resolve(END);
  }
}
