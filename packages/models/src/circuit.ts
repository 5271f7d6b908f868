import { ModelCallError } from '@upshift/contracts';
import type { CallErrorCode } from '@upshift/contracts';
import CircuitBreaker from 'opossum';

import { failedCall } from './call-failure.ts';

export type CircuitState = 'closed' | 'open' | 'half_open';

export interface CircuitChange {
  modelId: string;
  state: CircuitState;
  /** Unix time in ms until which no call is let through; null unless open. */
  openUntilMs: number | null;
}

export interface Circuits {
  /** Runs the action, or throws `circuit_open` without running it. The action's own errors pass through. */
  run<Result>(modelId: string, action: () => Promise<Result>): Promise<Result>;
  state(modelId: string): CircuitState;
  /** Frees the timers. */
  close(): void;
}

/** Percent of failed calls above which the circuit opens: a provider that fails every second call costs more waiting than it answers. */
const errorThresholdPercentage = 50;
/** Calls within the window before the percentage means anything: one failure alone must not close a model off. */
const volumeThreshold = 5;
/** Long against the calls themselves: outcomes of slow calls come in over minutes, so 3 to 5 times the p99 is wanted. */
const rollingCountTimeoutMs = 120_000;
const rollingCountBuckets = 12;
/** How long an open circuit rests before one probe: most overloads pass within seconds. */
const resetTimeoutMs = 10_000;
/** What to wait while another call probes: about the length of a call. */
const probeWaitMs = 2_000;

/**
 * The faults of a provider. A limit (429) is none: it is waited out, and jobs must not go to dearer models for it. All others say nothing of the model's health: they are neither a failure nor the success
 * that would close a half-open circuit.
 */
const providerFaults: readonly CallErrorCode[] = [
  'overloaded',
  'provider_error',
  'timeout',
  'connection_failed',
  'model_not_found',
  'provider_denied',
];

/** One circuit per model id, in this process only. `onChange` lets the caller share what it saw with other processes. */
export function createCircuits({ onChange }: { onChange: (change: CircuitChange) => void }): Circuits {
  const circuits = new Map<string, Circuit>();
  const circuitOf = (modelId: string): Circuit => {
    const circuit = circuits.get(modelId) ?? new Circuit(modelId, onChange);
    circuits.set(modelId, circuit);
    return circuit;
  };

  return {
    run: (modelId, action) => circuitOf(modelId).run(action),
    state: (modelId) => circuits.get(modelId)?.state ?? 'closed',
    close: () => circuits.forEach((circuit) => circuit.shutdown()),
  };
}

type Breaker = CircuitBreaker<[fault: ModelCallError | null], void>;

/**
 * The action runs outside of opossum, which is told only the outcomes that count. Inside, a call is counted at its start
 * and its failure at its end, so that slow calls never open the breaker; and an error that is filtered out counts as a
 * success, which closes a half-open breaker (opossum 10).
 */
class Circuit {
  readonly #modelId: string;
  readonly #onChange: (change: CircuitChange) => void;
  #breaker: Breaker;
  /** Counts changes of state: the outcome of a call that began before the last change is old news. */
  #epoch = 0;
  #openUntilMs = 0;
  #probing = false;

  constructor(modelId: string, onChange: (change: CircuitChange) => void) {
    this.#modelId = modelId;
    this.#onChange = onChange;
    this.#breaker = this.#newBreaker();
  }

  get state(): CircuitState {
    if (this.#breaker.opened) return 'open';
    return this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  async run<Result>(action: () => Promise<Result>): Promise<Result> {
    this.#admit();
    const epoch = this.#epoch;
    try {
      const result = await action();
      await this.#tell(epoch, null);
      return result;
    } catch (error) {
      if (isProviderFault(error)) await this.#tell(epoch, error);
      throw error;
    } finally {
      // After an outcome that did not count the circuit is still half open, and the next call probes.
      if (epoch === this.#epoch) this.#probing = false;
    }
  }

  shutdown(): void {
    this.#breaker.shutdown();
  }

  /** Half open lets one call through at a time. */
  #admit(): void {
    if (this.state === 'open') throw this.#refusal(Math.max(0, this.#openUntilMs - Date.now()));
    if (this.state !== 'half_open') return;
    if (this.#probing) throw this.#refusal(probeWaitMs);
    this.#probing = true;
  }

  #refusal(retryAfterMs: number): ModelCallError {
    const provider = this.#modelId.slice(0, this.#modelId.indexOf('/'));
    return failedCall(provider, { code: 'circuit_open', detail: this.#modelId, maybeBilled: false, retryAfterMs });
  }

  async #tell(epoch: number, fault: ModelCallError | null): Promise<void> {
    if (epoch !== this.#epoch) return;
    // The fault comes back as a rejection; run() throws it itself.
    await this.#breaker.fire(fault).catch(() => undefined);
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

  #changed(openUntilMs: number | null): void {
    this.#epoch += 1;
    this.#probing = false;
    const change = { modelId: this.#modelId, state: this.state, openUntilMs };
    // Not within opossum's event: there, an error of the listener would leave the call unsettled.
    queueMicrotask(() => this.#onChange(change));
  }
}

async function settle(fault: ModelCallError | null): Promise<void> {
  if (fault) throw fault;
}

function isProviderFault(error: unknown): error is ModelCallError {
  return error instanceof ModelCallError && providerFaults.includes(error.error.code);
}
