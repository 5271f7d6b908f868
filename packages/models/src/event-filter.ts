/** What ends an event, by how its stream ends lines. */
const [LF, CRLF] = [Buffer.from('\n\n'), Buffer.from('\r\n\r\n')];
/** How an event begins that has a name, and the longest name that is looked at, in bytes. */
const NAMED = 'event: ';
const LONGEST_NAME = 64;

/**
 * Takes events that nobody needs out of a stream of server-sent events, before an SDK parses each of them: the last event of a Responses
 * stream repeats the whole answer, and the hundreds before it are most of what a call costs. What is not understood stays.
 */
export class EventFilter {
  readonly #isNeeded: (name: string) => boolean;
  /** Null before the end of the first line. */
  #separator: Buffer | null = null;
  /** An event of which the end has not come yet. */
  #rest: Buffer = Buffer.alloc(0);

  /** @param isNeeded by the event's name; events without one stay */
  constructor(isNeeded: (name: string) => boolean) {
    this.#isNeeded = isNeeded;
  }

  /** What stays of the events that are whole with these bytes; null for nothing. */
  see(part: Buffer): Buffer | null {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    this.#separator ??= separatorOf(bytes);
    const separator = this.#separator ?? LF;
    const kept: Buffer[] = [];
    let start = 0;
    // The separator itself may have come in two parts.
    let end = bytes.indexOf(separator, Math.max(0, this.#rest.length + 1 - separator.length));
    while (end >= 0) {
      const next = end + separator.length;
      if (this.#stays(bytes.toString('latin1', start, start + LONGEST_NAME))) kept.push(bytes.subarray(start, next));
      start = next;
      end = bytes.indexOf(separator, start);
    }
    this.#rest = bytes.subarray(start);
    if (kept.length <= 1) return kept[0] ?? null;
    return Buffer.concat(kept);
  }

  /** What came after the last whole event; null for nothing. */
  end(): Buffer | null {
    return this.#rest.length === 0 ? null : this.#rest;
  }

  #stays(beginning: string): boolean {
    return !beginning.startsWith(NAMED) || this.#isNeeded(beginning.slice(NAMED.length).split('\n', 1)[0]!.trim());
  }
}

function separatorOf(bytes: Buffer): Buffer | null {
  const end = bytes.indexOf('\n');
  if (end < 0) return null;
  return bytes.toString('latin1', Math.max(0, end - 1), end) === '\r' ? CRLF : LF;
}
