/**
 * How many entries a process may have in hand, shared by the lines of one queue in several cells. Those that wait get their turn in
 * the order in which they came, so that no cell goes short.
 */
export class Capacity {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(slots: number) {
    this.#free = slots;
  }

  get hasFree(): boolean {
    return this.#free > 0;
  }

  /** Takes all that is free; 0 where nothing is. */
  takeAll(): number {
    const taken = this.#free;
    this.#free = 0;
    return taken;
  }

  giveBack(slots: number): void {
    if (slots === 0) return;
    this.#free += slots;
    this.#waiting.shift()?.();
  }

  /** Resolves when it may be worth asking again. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  /** Wakes all who wait. */
  wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
