import { ProblemError } from '@upshift/contracts';
import { compareIds } from '@upshift/queues';

/** A line of an entry of a cell's stream of events. */
interface Position {
  streamId: string;
  line: number;
}

/** Before the first line of a stream. */
const BEGINNING: Position = { streamId: '0-0', line: -1 };
/** Stands behind all lines of its entry. */
const LAST_LINE = 999_999;

/**
 * What a client of `GET /v1/events` has had: a position in the stream of each cell. As text it is the id of an event:
 * `<id in Redis's stream>.<line of that entry>`, with a comma between cells.
 */
export class EventCursor {
  readonly #positions: Position[];

  private constructor(positions: Position[]) {
    this.#positions = positions;
  }

  /** Throws a `ProblemError` where the text of `Last-Event-ID` is no cursor. */
  static parse(text: string): EventCursor {
    const parts = text.split(',').map((part) => /^(\d{1,15}-\d{1,9})\.(\d{1,6})$/.exec(part));
    if (parts.every((part) => part !== null))
      return new EventCursor(parts.map(([, streamId = '', line]) => ({ streamId, line: Number(line) })));
    throw new ProblemError(
      'invalid_header',
      `Last-Event-ID is ${text.slice(0, 100)}; it must be the id of an event of GET /v1/events`,
    );
  }

  /** Behind the entries with these ids, one of each cell. */
  static behind(streamIds: string[]): EventCursor {
    return new EventCursor(streamIds.map((streamId) => ({ streamId, line: LAST_LINE })));
  }

  /** The id of the last entry of a cell of which the client has had something; null where it does not know the cell. */
  lastOf(cell: number): string | null {
    return this.#positions[cell]?.streamId ?? null;
  }

  isBehind(cell: number, { streamId, line }: Position): boolean {
    const had = this.#positions[cell] ?? BEGINNING;
    return (compareIds(streamId, had.streamId) || line - had.line) > 0;
  }

  /** To the line that is sent next. */
  move(cell: number, position: Position): void {
    while (this.#positions.length < cell) this.#positions.push(BEGINNING);
    this.#positions[cell] = position;
  }

  toString(): string {
    return this.#positions.map(({ streamId, line }) => `${streamId}.${Math.max(0, line)}`).join();
  }
}
