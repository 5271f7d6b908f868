import { Agent as HttpAgent, globalAgent, request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

import { EventFilter } from './event-filter.ts';

/** Longest time for a name, a connection and its encryption, in ms: a server that is there needs far less. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * How long a connection is kept that no call uses, in ms. Node's own agents keep it for 5 s, which is when many servers (uvicorn: vLLM,
 * LiteLLM) close it, without saying so beforehand: a call that is sent in that moment is lost, and maybe billed.
 */
const KEPT_IDLE_MS = 4000;

/** How long the end of an answer that was read is waited for, in ms: most often it comes with the next packet. */
const LATE_END_MS = 1000;

/** As Node's own has them, which knows the proxy of the environment. The timeout ends idle connections only, however long a call takes. */
const kept = { ...(globalAgent as HttpsAgent).options, timeout: KEPT_IDLE_MS };
const httpAgent = new HttpAgent(kept);
const httpsAgent = new HttpsAgent(kept);

/** Told of what happens on the wire. */
export interface Watch {
  /** From here on the server may have the request. */
  connected(): void;
  /** Bytes of an answer with this status came, null for its headers or its end. */
  heard(bytes: Buffer | null, status: number): void;
}

/** Whether an event of a streamed answer is to be read, by its name. */
export type IsNeeded = (event: string) => boolean;

/** A request under way and its answer. */
export interface Exchange {
  answer: Promise<Response>;
  /** Ends the connection, unless it is free for the next request. */
  close(): void;
  /** Nothing more is read: the connection is ended unless it is free in a moment. */
  letGo(): void;
}

/**
 * Sends one request over a kept connection. Redirects are not followed and encodings not asked for. Node's own client, because
 * global fetch takes about three times its time.
 */
export function startExchange(url: string, init: RequestInit, watch: Watch, isNeeded: IsNeeded | null = null): Exchange {
  const body = init.body;
  if (typeof body !== 'string' && body !== undefined && body !== null) throw new Error('an SDK sent a body that is not text');
  const request = open(url, { method: init.method ?? 'GET', headers: headersOf(init.headers, body ?? '') });
  let received: IncomingMessage | null = null;
  const answer = new Promise<Response>((resolve, reject) => {
    request.on('error', reject);
    request.once('response', (message) => {
      received = message;
      watch.heard(null, statusOf(message));
      resolve(new Answer(url, message, watch, isNeeded) as unknown as Response);
    });
  });
  watchConnection(request, watch);
  request.end(body ?? undefined);
  // A server may answer before it has read the request, and never read on.
  const isOver = (): boolean => received?.complete === true && request.writableFinished;
  const close = (): void => void (isOver() || request.destroy());
  return { answer, close, letGo: () => void (isOver() || closeLate(request, close)) };
}

function closeLate(request: ClientRequest, close: () => void): void {
  const timer = setTimeout(close, LATE_END_MS).unref();
  request.once('close', () => clearTimeout(timer));
}

function open(url: string, options: RequestOptions): ClientRequest {
  return url.startsWith('https:')
    ? requestHttps(url, { ...options, agent: httpsAgent })
    : requestHttp(url, { ...options, agent: httpAgent });
}

function headersOf(given: RequestInit['headers'], body: string): Record<string, string> {
  const headers = given instanceof Headers ? Object.fromEntries(given) : { ...(given as Record<string, string> | undefined) };
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) };
}

function watchConnection(request: ClientRequest, watch: Watch): void {
  request.once('socket', (socket) => {
    // One that was kept is there already, and one through a proxy is given when it is: that is not told again.
    if (request.reusedSocket || !socket.connecting) return watch.connected();
    const late = Object.assign(new Error('no connection in time'), { code: 'CONNECT_TIMEOUT' });
    const timer = setTimeout(() => request.destroy(late), CONNECT_TIMEOUT_MS);
    request.once('close', () => clearTimeout(timer));
    socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      watch.connected();
    });
  });
}

function statusOf({ statusCode = 0 }: IncomingMessage): number {
  return statusCode;
}

/** As much of a Response as the vendors' SDKs use. */
class Answer {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;

  constructor(url: string, message: IncomingMessage, watch: Watch, isNeeded: IsNeeded | null) {
    this.url = url;
    this.status = statusOf(message);
    this.statusText = message.statusMessage ?? '';
    this.headers = new AnswerHeaders(message.headers);
    const streams = isNeeded !== null && this.headers.get('content-type')?.startsWith('text/event-stream') === true;
    this.body = new AnswerBody(message, watch, streams ? new EventFilter(isNeeded) : null);
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

/** As much of Headers as the SDKs use, without what each look at those costs. */
class AnswerHeaders {
  readonly #received: IncomingHttpHeaders;

  constructor(received: IncomingHttpHeaders) {
    this.#received = received;
  }

  get(name: string): string | null {
    const value = this.#received[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of Object.keys(this.#received)) yield [name, this.get(name) ?? ''];
  }

  forEach(each: (value: string, name: string) => void): void {
    for (const [name, value] of this.entries()) each(value, name);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
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

  constructor(message: IncomingMessage, watch: Watch, filter: EventFilter | null) {
    message.on('data', (part: Buffer) => {
      watch.heard(part, statusOf(message));
      this.#add(filter === null ? part : filter.see(part));
    });
    message.on('end', () => {
      watch.heard(null, statusOf(message));
      this.#add(filter?.end() ?? null);
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

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(part: Buffer | null): void {
    if (part === null) return;
    this.#parts.push(part);
    this.#deliver();
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
