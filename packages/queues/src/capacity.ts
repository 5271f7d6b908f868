/**
 * How many entries a process may have in hand, shared by the lines of one queue in several cells. Those that wait get their turn in
 * the order in which they came, so that no cell goes short.
 */
export class Capacity {
  /** Whether what one line has reserved is missing to another. */
  readonly isShared: boolean;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(slots: number, lines: number) {
    this.#free = slots;
    this.isShared = lines > 1;
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
