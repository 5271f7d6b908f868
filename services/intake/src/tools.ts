import type { Cells, EventFeed, Signals } from '@upshift/queues';

export interface Tools {
  cells: Cells;
  signals: Signals;
  feed: EventFeed;
  /** Fires when the process stops: who waits is answered with what there is. */
  stopping: AbortSignal;
}
