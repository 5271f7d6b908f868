import type { FaultKind } from './faults.ts';

/** One generation that a vendor would have billed. */
export type Generation = {
  /** ISO 8601 time at which the call was accepted. */
  at: string;
  model: string;
  key: string;
  /** The `x-client-request-id` header: `<job>.<revision>.<attempt>`. */
  client_request_id: string | null;
  input_tokens: number;
  output_tokens: number;
  /** `abandoned`: the client left before the answer. A fault's kind: the call ended that way. */
  outcome: 'in_flight' | 'delivered' | 'abandoned' | FaultKind;
};

export type LedgerSummary = {
  generations: number;
  by_model: Record<string, number>;
  by_outcome: Record<string, number>;
  /** Client request ids that were billed more than once. */
  duplicates: string[];
};

/** Every billed generation, in order of acceptance. */
export class Ledger {
  #generations: Generation[] = [];

  get generations(): readonly Generation[] {
    return this.#generations;
  }

  /** Records a call at the moment it is accepted: a vendor bills what it generates, whether or not the client is still there. */
  open(call: Omit<Generation, 'at' | 'outcome'>): Generation {
    const generation: Generation = { at: new Date().toISOString(), ...call, outcome: 'in_flight' };
    this.#generations.push(generation);
    return generation;
  }

  clear(): void {
    this.#generations = [];
  }

  summary(): LedgerSummary {
    const billed = counts(this.#generations.flatMap(({ client_request_id: id }) => (id === null ? [] : [id])));
    return {
      generations: this.#generations.length,
      by_model: Object.fromEntries(counts(this.#generations.map(({ model }) => model))),
      by_outcome: Object.fromEntries(counts(this.#generations.map(({ outcome }) => outcome))),
      duplicates: [...billed].filter(([, times]) => times > 1).map(([id]) => id),
    };
  }
}

function counts(values: readonly string[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const value of values) result.set(value, (result.get(value) ?? 0) + 1);
  return result;
}
