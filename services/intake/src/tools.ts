import type { EventFeed, Pipeline, Signals } from '@upshift/queues';

export interface Tools {
  pipeline: Pipeline;
  signals: Signals;
  feed: EventFeed;
  /** Fires when the process stops: who waits is answered with what there is. */
  stopping: AbortSignal;
}
