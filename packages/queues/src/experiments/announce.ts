import type { Cells } from '../cells/cells.ts';
import { deliveryEntry } from '../entries.ts';
import { queueOf } from '../pipeline.ts';
import type { ExperimentRecord, Pending } from './record.ts';

/** Tells the endpoint of the document, from the first cell. The id of the entry is that of the line of history, so that nothing is told twice. */
export async function announce(
  cells: Cells,
  { document, history }: ExperimentRecord,
  { event, line }: Extract<Pending, { type: 'announce' }>,
): Promise<void> {
  cells.logger.info({ experiment: document.name, event, reason: history[line - 1]?.reason }, 'experiment');
  if (document.webhook === undefined) return;
  const told = { job: experimentSubject(document.name), revision: line, webhook: document.webhook, event, redelivery: 0 };
  const entry = deliveryEntry(told, cells.config);
  await queueOf(cells.first, entry.queue).add(entry.name, entry.data, { ...entry.options, jobId: entry.id });
}

/** What a delivery is about, in the place of a job's id. */
export function experimentSubject(name: string): string {
  return `experiment-${name}`;
}
