import type { JobRequest } from '@upshift/contracts';
import { accept } from '@upshift/queues';
import type { Accepted, Cells } from '@upshift/queues';
import { annotate, inSpan } from '@upshift/runtime';

/** Accepts a job in a span, of which all its steps will be children. It continues the client's trace where its request names one. */
export function acceptInSpan(
  cells: Cells,
  request: JobRequest,
  claim: { key: string } | null,
  traceparent: string | undefined,
  seed?: number,
): Promise<Accepted> {
  const { route, task } = request;
  const attributes = { 'upshift.route': route, 'upshift.task': task };
  return inSpan({ name: 'accept job', kind: 'producer', attributes, parent: traceparent ?? null }, async () => {
    const accepted = await accept(cells, request, claim, seed);
    annotate({ 'upshift.job.id': accepted.id, 'upshift.job.created': accepted.created });
    return accepted;
  });
}
