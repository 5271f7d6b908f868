import type { JobsOptions } from 'bullmq';

import type { DeliveryPayload, StepPayload } from './catalogue.ts';

/** What is put on a queue. */
export interface Entry {
  queue: string;
  id: string;
  name: string;
  data: StepPayload | DeliveryPayload;
  options: JobsOptions;
}

/** An entry as it stands in Redis. */
export interface QueueEntry {
  queue: string;
  id: string;
  name: string;
  data: string;
  options: string;
  priority: number;
  /** Of an entry that waits for its time: what BullMQ's own script is called with. */
  delayed: { keys: string[]; arguments: (string | Buffer)[] } | null;
}
