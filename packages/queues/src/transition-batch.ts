import type { QueueEntry } from './entry.ts';
import type { HeldEntry, Request, Transition } from './transition.ts';

/** Arguments of the script that come before the texts. */
const ARGUMENTS_BEFORE = 5;

/** Requests in the form in which the script takes them: what is the same for many is said once, and what is long stands outside the JSON. */
export class Batch {
  /** Arguments that rows name by their positions. */
  readonly texts: (string | Buffer)[] = [];
  readonly #shared = new Numbered<string>();
  readonly #kinds = new Numbered<string[]>();
  readonly #rows: unknown[] = [];

  readonly #now: number;

  /** @param now in ms since the epoch */
  constructor(now: number) {
    this.#now = now;
  }

  add(request: Request): void {
    this.#rows.push('finish' in request ? [false, this.#heldRow(request.finish)] : this.#rowOf(request.transition));
  }

  json(): string {
    return JSON.stringify([this.#shared.all, this.#kinds.all, this.#rows]);
  }

  /** By position, in the order in which the script unpacks it; false stands for what is not given. */
  #rowOf(t: Transition): unknown[] {
    const next = String(t.version + 1);
    return [
      t.id,
      String(t.version),
      this.#texts(['version', next, ...t.fields]),
      t.lines > 0 && this.#text(JSON.stringify([t.id, t.route, t.task, t.status, next, t.lines])),
      t.counters.map((value) => (typeof value === 'string' ? this.#share(value) : value)),
      t.enters.map((name) => this.#share(name)),
      t.leaves.map((name) => this.#share(name)),
      t.entry !== null && this.#entryRow(t.id, t.entry),
      t.held !== null && this.#heldRow(t.held),
      this.#endRow(t),
    ];
  }

  /** What most steps have nothing of. */
  #endRow(t: Transition): unknown {
    if (t.keptMs === null && !t.reopened && t.publish.length === 0 && t.outcome === null && t.label === null) return false;
    return [
      t.keptMs !== null && String(this.#now + t.keptMs),
      t.deadline !== null && String(t.deadline),
      t.reopened,
      t.publish.map((channel) => this.#share(channel)),
      t.outcome !== null && this.#text(t.outcome),
      t.label !== null && this.#text(t.label),
    ];
  }

  /** The id of an entry begins with that of its job. */
  #entryRow(job: string, { queue, id, name, data, options, priority, delayed }: QueueEntry): unknown[] {
    const kind = this.#kinds.numberOf(`${queue} ${name} ${priority} ${options}`, [queue, name, options, String(priority)]);
    const waits = delayed !== null && [delayed.keys, this.#texts(delayed.arguments)];
    return [kind, id.slice(job.length), this.#text(data), waits];
  }

  #heldRow({ queue, id, token }: HeldEntry): unknown[] {
    return [this.#share(queue), id, token !== null && this.#share(token)];
  }

  /** The number of a text that many rows have. */
  #share(text: string): number {
    return this.#shared.numberOf(text, text);
  }

  /** The position of a text, as Lua counts. */
  #text(text: string): number {
    return ARGUMENTS_BEFORE + this.texts.push(text);
  }

  /** The first and the last position. */
  #texts(texts: (string | Buffer)[]): [first: number, last: number] {
    const first = ARGUMENTS_BEFORE + this.texts.length + 1;
    this.texts.push(...texts);
    return [first, first + texts.length - 1];
  }
}

/** Values that rows name by their numbers, as Lua counts. */
class Numbered<Value> {
  readonly all: Value[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(name: string, value: Value): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.all.push(value);
    this.#numbers.set(name, number);
    return number;
  }
}
