/** How often the loop is looked at, in ms. */
const LOOK_MS = 100;

/** How long this process could do nothing: its timers came late, as after heavy computing or a stop of the machine. */
export class EventLoopLag {
  #lostMs = 0;
  #lookedAt = Date.now();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS).unref();

  /** All that was lost so far, in ms: what a duration is to be compared with. */
  get lostMs(): number {
    return this.#lostMs + this.#lateMs();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#lostMs += this.#lateMs();
    this.#lookedAt = Date.now();
  }

  #lateMs(): number {
    return Math.max(0, Date.now() - this.#lookedAt - LOOK_MS);
  }
}
