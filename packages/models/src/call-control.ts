import type { CallErrorCode, ModelCallError } from '@upshift/contracts';

import { AnswerInspector, badHeaders, echoBytes } from './answer-bounds.ts';
import { callErrorOf, failedCall, failureToConnect, unusableAnswer } from './call-failure.ts';
import type { FailureOf } from './call-failure.ts';
import { startExchange } from './exchange.ts';
import type { Exchange, IsNeeded, Watch } from './exchange.ts';

/** The bounds of one call. */
export interface CallBounds {
  timeoutMs: number;
  idleTimeoutMs: number;
  /** Longest answer, in bytes, beside what it repeats of the request. */
  longestAnswerBytes: number;
  signal: AbortSignal;
  /** Told of the headers of each answer, be it an error. */
  onHeaders?: ((headers: Headers) => void) | undefined;
}

/** As the SDKs call it. */
type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Ends one call, and only that one: at its deadline, when its answer falls silent or is none, or when the caller aborts. The
 * SDKs' own timeouts do not bound a streamed body, and nothing bounds its length.
 */
export class CallControl {
  /** What the SDKs must send with, so that the bounds hold for all of them. */
  readonly fetch: Fetch = (url, init) => this.#send(url instanceof Request ? url.url : url.toString(), init ?? {});
  readonly timeoutMs: number;
  /** Of a streamed answer only these events are read; null reads all. */
  isNeeded: IsNeeded | null = null;

  /** Rejects with the reason when the call is ended from outside; else never settles. */
  readonly #stopped: Promise<never>;
  readonly #provider: string;
  readonly #bounds: CallBounds;
  readonly #deadline: NodeJS.Timeout;
  #exchange: Exchange | null = null;
  #idle: NodeJS.Timeout | null = null;
  #sent = false;
  #answered = false;
  #reason: ModelCallError | null = null;
  #reject: (reason: ModelCallError) => void = () => undefined;

  constructor(provider: string, bounds: CallBounds) {
    this.#provider = provider;
    this.#bounds = bounds;
    this.timeoutMs = bounds.timeoutMs;
    this.#stopped = new Promise<never>((_, reject) => (this.#reject = reject));
    // Stopped before anyone raced it: the reason is thrown by throwIfStopped, not by the process.
    this.#stopped.catch(() => undefined);
    this.#deadline = setTimeout(() => this.#stop('timeout', `no whole answer within ${bounds.timeoutMs} ms`), bounds.timeoutMs);
    if (bounds.signal.aborted) this.#onAbort();
    else bounds.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Does the call's work within its bounds; every failure that is not a bug is thrown as a ModelCallError. The race is the final net: an SDK can
   * not hold the call open.
   */
  async run<Result>(work: () => Promise<Result>, failureOf: FailureOf): Promise<Result> {
    try {
      this.throwIfStopped();
      const result = await Promise.race([work(), this.#stopped]);
      this.#exchange?.letGo();
      return result;
    } catch (error) {
      this.#exchange?.close();
      this.throwIfStopped();
      const told = callErrorOf(this.#provider, error, failureOf);
      // Thrown by whoever reads what is not there: no adapter looks at each part of an answer before it reads it.
      if (this.#answered && told instanceof TypeError) throw unusableAnswer(this.#provider, 'the answer has an unknown shape');
      throw told;
    } finally {
      this.#end();
    }
  }

  /** Throws why the call ended, if it did. */
  throwIfStopped(): void {
    if (this.#reason) throw this.#reason;
  }

  /** Frees what would outlive the call. */
  #end(): void {
    clearTimeout(this.#deadline);
    if (this.#idle) clearTimeout(this.#idle);
    this.#bounds.signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#stop('aborted', 'cancelled by us');

  #stop(code: CallErrorCode, detail: string): void {
    this.#reason ??= failedCall(this.#provider, { code, detail, maybeBilled: this.#sent });
    this.#reject(this.#reason);
    // By itself, for the call may be over: a server may send on and on behind a whole answer.
    this.#exchange?.close();
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    this.throwIfStopped();
    const sentBytes = typeof init.body === 'string' ? Buffer.byteLength(init.body) : 0;
    const inspector = new AnswerInspector(this.#bounds.longestAnswerBytes + echoBytes(sentBytes));
    const watch: Watch = {
      connected: () => (this.#sent = true),
      heard: (bytes, status) => {
        this.#stayAwake();
        const wrong = inspector.see(bytes, status);
        if (wrong !== null) this.#stop('provider_error', `the answer has ${wrong}`);
      },
    };
    this.#exchange = startExchange(url, init, watch, this.isNeeded);
    const response = await this.#exchange.answer.catch((error: unknown) => {
      throw this.#transportError(error);
    });
    this.#answered = true;
    this.#bounds.onHeaders?.(response.headers);
    const wrong = badHeaders(response.status, response.headers);
    if (wrong !== null) this.#stop('provider_error', `the answer has ${wrong}`);
    this.throwIfStopped();
    return response;
  }

  /** Kept here, because the SDKs hide what is beneath their own error of a connection. */
  #transportError(error: unknown): unknown {
    const failure = failureToConnect(error);
    this.#reason ??= failedCall(this.#provider, { ...failure, maybeBilled: failure.maybeBilled && this.#sent }, error);
    return error;
  }

  /** Bytes and not parsed events, because the SDKs hide an event that shows life: Anthropic's `ping`. */
  #stayAwake(): void {
    if (this.#reason) return;
    const { idleTimeoutMs } = this.#bounds;
    if (this.#idle) this.#idle.refresh();
    else this.#idle = setTimeout(() => this.#stop('timeout', `the answer fell silent for ${idleTimeoutMs} ms`), idleTimeoutMs);
  }
}

/** The fetch of an SDK's client that many calls share: each says with `underControl` whose it is. */
export const controlledFetch: Fetch = (url, init) => (init as { control: CallControl } & RequestInit).control.fetch(url, init);

/** The SDKs' request options that put a call under its control. */
export function underControl(control: CallControl): { fetchOptions: object; timeout: number } {
  return { fetchOptions: { control }, timeout: control.timeoutMs };
}

/**
 * The SDKs add headers that the environment has for other programs (OPENAI_CUSTOM_HEADERS, ANTHROPIC_CUSTOM_HEADERS), and would send them
 * to every account, in the place of its key if they say so.
 */
export function withoutForeignHeaders<Client>(client: Client): Client {
  (client as { _options: { defaultHeaders: object } })['_options'].defaultHeaders = {};
  return client;
}
