import type { ModelCallError } from '@upshift/contracts';

import { failedCall, failureOfTransport } from './call-failure.ts';

/** The bounds of one call. */
export interface CallBounds {
  timeoutMs: number;
  idleTimeoutMs: number;
  signal: AbortSignal;
}

/**
 * Ends one call, and only that one: at its deadline, when its answer falls silent, or when the caller aborts. The SDKs'
 * own timeouts do not bound a streamed body.
 */
export class CallControl {
  /** Rejects with the reason when the call is ended from outside; else never settles. */
  readonly stopped: Promise<never>;
  /** What the SDKs must send with, so that the signal and the idle timer hold for all of them. */
  readonly fetch: typeof globalThis.fetch = (url, init) => this.#send(url, init);
  readonly timeoutMs: number;

  readonly #provider: string;
  readonly #bounds: CallBounds;
  readonly #controller = new AbortController();
  readonly #deadline: NodeJS.Timeout;
  #idle: NodeJS.Timeout | null = null;
  #sent = false;
  #reason: ModelCallError | null = null;
  #reject: (reason: ModelCallError) => void = () => undefined;

  constructor(provider: string, bounds: CallBounds) {
    this.#provider = provider;
    this.#bounds = bounds;
    this.timeoutMs = bounds.timeoutMs;
    this.stopped = new Promise<never>((_, reject) => (this.#reject = reject));
    // Stopped before anyone raced it: the reason is thrown by throwIfStopped, not by the process.
    this.stopped.catch(() => undefined);
    this.#deadline = setTimeout(() => this.#stop('timeout', `no whole answer within ${bounds.timeoutMs} ms`), bounds.timeoutMs);
    if (bounds.signal.aborted) this.#onAbort();
    else bounds.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Throws why the call ended, if it did. Needed after a stream's loop: an aborted OpenAI or Anthropic stream ends without an error, as if it were whole (§2.4). */
  throwIfStopped(): void {
    if (this.#reason) throw this.#reason;
  }

  /** Frees the timers, and the connection if its answer was not read to the end. */
  end(): void {
    clearTimeout(this.#deadline);
    if (this.#idle) clearTimeout(this.#idle);
    this.#bounds.signal.removeEventListener('abort', this.#onAbort);
    this.#controller.abort();
  }

  readonly #onAbort = (): void => this.#stop('aborted', 'cancelled by us');

  #stop(code: 'timeout' | 'aborted', detail: string): void {
    this.#reason ??= failedCall(this.#provider, { code, detail, maybeBilled: this.#sent });
    this.#reject(this.#reason);
    this.#controller.abort();
  }

  async #send(url: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
    this.throwIfStopped();
    this.#sent = true;
    // The SDK's own signal is kept: it frees the connection when the SDK leaves a stream early.
    const signal = init?.signal ? AbortSignal.any([init.signal, this.signal]) : this.signal;
    const response = await globalThis.fetch(url, { ...init, signal }).catch((error: unknown) => {
      throw this.#transportError(error);
    });
    this.#heard();
    return new Response(response.body?.pipeThrough(this.#listening()) ?? null, response);
  }

  /** Kept here, because the Anthropic SDK makes a bare timeout of a connection that was not made in time. */
  #transportError(error: unknown): unknown {
    const failure = failureOfTransport(error);
    if (failure) this.#reason ??= failedCall(this.#provider, failure, error);
    return error;
  }

  /** Bytes and not parsed events, because the SDKs hide an event that shows life: Anthropic's `ping`. */
  #listening(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
    return new TransformStream({
      transform: (chunk, output) => {
        this.#heard();
        output.enqueue(chunk);
      },
    });
  }

  #heard(): void {
    if (this.signal.aborted) return;
    const { idleTimeoutMs } = this.#bounds;
    if (this.#idle) this.#idle.refresh();
    else this.#idle = setTimeout(() => this.#stop('timeout', `the answer fell silent for ${idleTimeoutMs} ms`), idleTimeoutMs);
  }
}
