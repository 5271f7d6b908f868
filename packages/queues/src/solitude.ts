/**
 * Who works beside whom in one process: most steps together, one under suspicion alone. While one waits to be alone nobody else
 * begins, so that it gets its turn.
 */
export class Solitude {
  #together = 0;
  #isAlone = false;
  #waitingForIt = 0;
  #change = Promise.withResolvers<void>();

  /** Resolves when the work may begin; with what is to be called at its end. */
  async enter(alone: boolean): Promise<() => void> {
    if (alone) await this.#untilAlone();
    else await this.#untilTogether();
    return () => this.#leave(alone);
  }

  async #untilAlone(): Promise<void> {
    this.#waitingForIt += 1;
    while (this.#isAlone || this.#together > 0) await this.#change.promise;
    this.#waitingForIt -= 1;
    this.#isAlone = true;
  }

  async #untilTogether(): Promise<void> {
    while (this.#isAlone || this.#waitingForIt > 0) await this.#change.promise;
    this.#together += 1;
  }

  #leave(alone: boolean): void {
    if (alone) this.#isAlone = false;
    else this.#together -= 1;
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}
