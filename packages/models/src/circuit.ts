import { ModelCallError, splitModelId } from '@upshift/contracts';
import type { CallErrorCode } from '@upshift/contracts';
import CircuitBreaker from 'opossum';

import { failedCall } from './call-failure.ts';
import { EventLoopLag } from './event-loop-lag.ts';

export type CircuitState = 'closed' | 'open' | 'half_open';

export interface CircuitChange {
  modelId: string;
  state: CircuitState;
  /** Unix time in ms until which no call is let through; null unless open. */
  openUntilMs: number | null;
}

export interface CircuitOptions {
  /** Lets the caller share what this process saw with others. */
  onChange: (change: CircuitChange) => void;
  /** Asked before a probe: gives what ends the right to probe, or null where another process probes. */
  mayProbe?: (modelId: string) => Promise<(() => void) | null>;
}

export interface Circuits {
  /**
   * Runs the action, or throws `circuit_open` without running it. The action's own errors pass through; a call that took longer
   * than `slowMs`, and then succeeded or was given up, counts as a fault.
   */
  run<Result>(modelId: string, action: () => Promise<Result>, slowMs?: number): Promise<Result>;
  /** Another process has opened its circuit: none is let through here until then (ms since the epoch), and then one by one until one succeeds. */
  hear(modelId: string, openUntilMs: number): void;
  state(modelId: string): CircuitState;
  /** Frees the timers. */
  close(): void;
}

/** Percent of failed calls above which the circuit opens: a provider that fails every second call costs more waiting than it answers. */
const errorThresholdPercentage = 50;
/** Calls within the window before the percentage means anything: one failure alone must not close a model off. */
const volumeThreshold = 5;
/** Faults with no success between them that open the circuit by themselves: after a busy minute the percentage sees a sudden death late. */
const faultsInARow = 5;
/** Long against the calls themselves: outcomes of slow calls come in over minutes, so 3 to 5 times the p99 is wanted. */
const rollingCountTimeoutMs = 120_000;
const rollingCountBuckets = 12;
/** How long an open circuit rests before one probe: most overloads pass within seconds. */
const resetTimeoutMs = 10_000;
/** What to wait while another call probes: about the length of a call. */
const probeWaitMs = 2_000;
/** How long the other processes are asked for the right to probe; then this one goes by its own circuit. In ms. */
const askedWithinMs = 500;
/** A timeout of which the process itself has slept away this share says nothing of the model. */
const excusedLagShare = 0.25;

/**
 * The faults of a provider. A limit (429) is none: it is waited out, and jobs must not go to dearer models for it. All others say
 * nothing of the model's health: they are neither a failure nor the success that would close a half-open circuit.
 */
const providerFaults: readonly CallErrorCode[] = [
  'overloaded',
  'provider_error',
  'timeout',
  'connection_failed',
  'model_not_found',
  'provider_denied',
];

/** One circuit per model id, of this process. What other processes saw is heard from the caller. */
export function createCircuits(options: CircuitOptions): Circuits {
  const circuits = new Map<string, Circuit>();
  const lag = new EventLoopLag();
  const circuitOf = (modelId: string): Circuit => {
    const circuit = circuits.get(modelId) ?? new Circuit(modelId, options, lag);
    circuits.set(modelId, circuit);
    return circuit;
  };

  return {
    run: (modelId, action, slowMs = Infinity) => circuitOf(modelId).run(action, slowMs),
    hear: (modelId, openUntilMs) => circuitOf(modelId).hear(openUntilMs),
    state: (modelId) => circuits.get(modelId)?.state ?? 'closed',
    close() {
      lag.close();
      circuits.forEach((circuit) => circuit.shutdown());
    },
  };
}

type Breaker = CircuitBreaker<[isFault: boolean], void>;

/**
 * The action runs outside of opossum, which is told only the outcomes that count. Inside, a call is counted at its start
 * and its failure at its end, so that slow calls never open the breaker; and an error that is filtered out counts as a
 * success, which closes a half-open breaker (opossum 10).
 */
class Circuit {
  readonly #modelId: string;
  readonly #options: CircuitOptions;
  readonly #lag: EventLoopLag;
  #breaker: Breaker;
  /** Counts changes of state: the outcome of a call that began before the last change is old news. */
  #epoch = 0;
  #openUntilMs = 0;
  /** Until when another process said that the circuit is open; 0 where none did, or a call has succeeded since. */
  #heardUntilMs = 0;
  #probing = false;
  #faultsInARow = 0;
  #lastFaultAt = 0;

  constructor(modelId: string, options: CircuitOptions, lag: EventLoopLag) {
    this.#modelId = modelId;
    this.#options = options;
    this.#lag = lag;
    this.#breaker = this.#newBreaker();
  }

  get state(): CircuitState {
    if (this.#breaker.opened) return 'open';
    if (this.#breaker.halfOpen) return 'half_open';
    if (this.#heardUntilMs === 0) return 'closed';
    return this.#heardUntilMs > Date.now() ? 'open' : 'half_open';
  }

  hear(openUntilMs: number): void {
    if (this.state === 'open' || openUntilMs <= Math.max(this.#heardUntilMs, Date.now())) return;
    this.#heardUntilMs = openUntilMs;
    this.#startEpoch();
  }

  async run<Result>(action: () => Promise<Result>, slowMs: number): Promise<Result> {
    const endProbe = await this.#admit();
    const epoch = this.#epoch;
    const startedAt = Date.now();
    const lostBefore = this.#lag.lostMs;
    const times = (): Times => ({ tookMs: Date.now() - startedAt, lostMs: this.#lag.lostMs - lostBefore });
    try {
      const result = await action();
      const { tookMs, lostMs } = times();
      await this.#tell(epoch, tookMs - lostMs > slowMs);
      return result;
    } catch (error) {
      if (isFault(error, times(), slowMs)) await this.#tell(epoch, true);
      throw error;
    } finally {
      // After an outcome that did not count the circuit is still half open, and the next call probes.
      if (epoch === this.#epoch) this.#probing = false;
      endProbe?.();
    }
  }

  shutdown(): void {
    this.#breaker.shutdown();
  }

  /** Half open lets one call through at a time, over all processes. Gives what ends the probe; null for any other call. */
  async #admit(): Promise<(() => void) | null> {
    if (this.state === 'open') throw this.#refusal(Math.max(0, this.#openUntilMs - Date.now(), this.#heardUntilMs - Date.now()));
    if (this.state !== 'half_open') return null;
    if (this.#probing) throw this.#refusal(probeWaitMs);
    this.#probing = true;
    const { mayProbe } = this.#options;
    if (mayProbe === undefined) return null;
    // Where nobody can be asked in time this process goes by its own circuit.
    const endProbe = await inTime(mayProbe(this.#modelId)).catch(() => () => undefined);
    if (endProbe !== null) return endProbe;
    this.#probing = false;
    throw this.#refusal(probeWaitMs);
  }

  #refusal(retryAfterMs: number): ModelCallError {
    const { provider } = splitModelId(this.#modelId);
    return failedCall(provider, { code: 'circuit_open', detail: this.#modelId, maybeBilled: false, retryAfterMs });
  }

  /** Of faults that lie further apart than the window the earlier ones are forgotten, as the percentage forgets them. */
  #countInARow(isFault: boolean): void {
    const now = Date.now();
    const before = now - this.#lastFaultAt > rollingCountTimeoutMs ? 0 : this.#faultsInARow;
    this.#faultsInARow = isFault ? before + 1 : 0;
    if (isFault) this.#lastFaultAt = now;
  }

  async #tell(epoch: number, isFault: boolean): Promise<void> {
    if (epoch !== this.#epoch) return;
    if (!isFault && this.#heardUntilMs !== 0) this.#heardOver();
    this.#countInARow(isFault);
    // A fault comes back as a rejection; run() throws the call's own error.
    await this.#breaker.fire(isFault).catch(() => undefined);
    if (this.#faultsInARow >= faultsInARow) this.#breaker.open();
  }

  /** What another process said is over for this one: its own circuit was closed all along. */
  #heardOver(): void {
    this.#heardUntilMs = 0;
    if (this.#breaker.closed) this.#changed(null);
  }

  #newBreaker(): Breaker {
    const breaker: Breaker = new CircuitBreaker(settle, {
      // Calls have deadlines of their own, and opossum's does not stop what it times out.
      timeout: false,
      errorThresholdPercentage,
      volumeThreshold,
      rollingCountTimeout: rollingCountTimeoutMs,
      rollingCountBuckets,
      resetTimeout: resetTimeoutMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
    breaker.on('open', () => this.#opened());
    breaker.on('halfOpen', () => this.#changed(null));
    breaker.on('close', () => this.#closed());
    return breaker;
  }

  #opened(): void {
    this.#openUntilMs = Date.now() + resetTimeoutMs;
    this.#changed(this.#openUntilMs);
  }

  /** A new breaker, because opossum keeps its statistics: the failures from before would open it again at the first new one. */
  #closed(): void {
    this.#breaker.shutdown();
    this.#breaker = this.#newBreaker();
    this.#changed(null);
  }

  #startEpoch(): void {
    this.#epoch += 1;
    this.#faultsInARow = 0;
    this.#probing = false;
  }

  #changed(openUntilMs: number | null): void {
    this.#startEpoch();
    const change = { modelId: this.#modelId, state: this.state, openUntilMs };
    // Not within opossum's event: there, an error of the listener would leave the call unsettled.
    queueMicrotask(() => this.#options.onChange(change));
  }
}

interface Times {
  tookMs: number;
  /** Of that, what this process could do nothing in. */
  lostMs: number;
}

/** A call that we gave up, as at the job's deadline, says nothing of its model, unless it was too slow by then. */
function isFault(error: unknown, times: Times, slowMs: number): boolean {
  if (isProviderFault(error)) return !isOurLag(error, times);
  const isGivenUp = error instanceof ModelCallError && error.error.code === 'aborted';
  return isGivenUp && times.tookMs - times.lostMs > slowMs;
}

function isOurLag({ error: { code } }: ModelCallError, { tookMs, lostMs }: Times): boolean {
  return (code === 'timeout' || code === 'connection_failed') && lostMs > 0 && lostMs >= tookMs * excusedLagShare;
}

/** Rejects where the right comes too late; it is then given back. */
async function inTime(right: Promise<(() => void) | null>): Promise<(() => void) | null> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('nobody answered')), askedWithinMs);
  let isLate = false;
  late.promise.catch(() => (isLate = true));
  right.then(
    (endProbe) => isLate && endProbe?.(),
    () => undefined,
  );
  return Promise.race([right, late.promise]).finally(() => clearTimeout(timer));
}

async function settle(isFault: boolean): Promise<void> {
  if (isFault) throw new Error('a fault of the provider');
}

function isProviderFault(error: unknown): error is ModelCallError {
  return error instanceof ModelCallError && providerFaults.includes(error.error.code);
}
