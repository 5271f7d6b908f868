const SEPARATOR = Buffer.from('\n\n');
/** How an event begins that has a name, and the longest name that is looked at, in bytes. */
const NAMED = 'event: ';
const LONGEST_NAME = 64;

/**
 * Takes events that nobody needs out of a stream of server-sent events, before an SDK parses each of them: the last event of a Responses
 * stream repeats the whole answer, and the hundreds before it are most of what a call costs. What is not understood stays.
 */
export class EventFilter {
  readonly #isNeeded: (name: string) => boolean;
  /** An event of which the end has not come yet. */
  #rest: Buffer = Buffer.alloc(0);

  /** @param isNeeded by the event's name; events without one stay */
  constructor(isNeeded: (name: string) => boolean) {
    this.#isNeeded = isNeeded;
  }

  /** What stays of the events that are whole with these bytes; null for nothing. */
  see(part: Buffer): Buffer | null {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    const kept: Buffer[] = [];
    let start = 0;
    // The separator itself may have come in two parts.
    let end = bytes.indexOf(SEPARATOR, Math.max(0, this.#rest.length - 1));
    while (end >= 0) {
      const next = end + SEPARATOR.length;
      if (this.#stays(bytes.toString('latin1', start, Math.min(end, start + LONGEST_NAME))))
        kept.push(bytes.subarray(start, next));
      start = next;
      end = bytes.indexOf(SEPARATOR, start);
    }
    this.#rest = bytes.subarray(start);
    if (kept.length <= 1) return kept[0] ?? null;
    return Buffer.concat(kept);
  }

  /** What came after the last whole event; null for nothing. */
  end(): Buffer | null {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? null : rest;
  }

  #stays(beginning: string): boolean {
    return !beginning.startsWith(NAMED) || this.#isNeeded(beginning.slice(NAMED.length).split('\n', 1)[0]!.trim());
  }
}
