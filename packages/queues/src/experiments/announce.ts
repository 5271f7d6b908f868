import type { Cells } from '../cells/cells.ts';
import { deliveryEntry } from '../entries.ts';
import { tellChange } from '../event-feed.ts';
import { queueOf } from '../pipeline.ts';
import type { ExperimentRecord, Pending } from './record.ts';

/**
 * Tells those who listen to all events, and the endpoint of the document, from the first cell. The id of the queue entry is that of the line of
 * history, so that no endpoint is told twice.
 */
export async function announce(
  cells: Cells,
  { document, history }: ExperimentRecord,
  { event, line }: Extract<Pending, { type: 'announce' }>,
): Promise<void> {
  const entry = history[line - 1]!;
  cells.logger.info({ experiment: document.name, event, reason: entry.reason }, 'experiment');
  await tellChange(cells.first, { experiment: document.name, line, entry });
  if (document.webhook === undefined) return;
  const told = { job: experimentSubject(document.name), revision: line, webhook: document.webhook, event, redelivery: 0 };
  const { queue, name, data, options, id } = deliveryEntry(told);
  await queueOf(cells.first, queue).add(name, data, { ...options, jobId: id });
}

/** What a delivery is about, in the place of a job's id. */
export function experimentSubject(name: string): string {
  return `experiment-${name}`;
}
