import { z } from 'zod';

/** A change of settings; what is left out stays. */
export const settingsChange = z.strictObject({
  /** Milliseconds in place of every answer's own latency; null gives those back. */
  latency_ms: z.number().nonnegative().nullable().optional(),
  /** While true, calls wait. */
  hold: z.boolean().optional(),
});

export type SettingsChange = z.output<typeof settingsChange>;

/** What applies to all calls. */
export class Settings {
  latencyMs: number | null = null;
  #release: (() => void) | undefined;
  #held: Promise<void> | undefined;

  get values(): { latency_ms: number | null; hold: boolean } {
    return { latency_ms: this.latencyMs, hold: this.#held !== undefined };
  }

  /** Resolves when calls are let go; undefined while nothing holds them. */
  get held(): Promise<void> | undefined {
    return this.#held;
  }

  change(change: SettingsChange): void {
    if (change.latency_ms !== undefined) this.latencyMs = change.latency_ms;
    if (change.hold === true) this.#hold();
    if (change.hold === false) this.#letGo();
  }

  #hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  #letGo(): void {
    this.#release?.();
    this.#held = undefined;
  }
}
