import type { Pipeline, Signals } from '@upshift/queues';

export interface Tools {
  pipeline: Pipeline;
  signals: Signals;
  /** Fires when the process stops: who waits is answered with what there is. */
  stopping: AbortSignal;
}
