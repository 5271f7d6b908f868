import type { Cells, EventFeed, Signals } from '@upshift/queues';
import type { RequestHandler } from 'express';

/** Of what a path names. */
export type ById = RequestHandler<{ id: string }>;
export type ByName = RequestHandler<{ name: string }>;

export interface Tools {
  cells: Cells;
  signals: Signals;
  feed: EventFeed;
  /** Fires when the process stops: who waits is answered with what there is. */
  stopping: AbortSignal;
}
