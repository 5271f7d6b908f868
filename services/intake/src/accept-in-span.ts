import { acceptAll } from '@upshift/queues';
import type { Accepted, Asked, Cells } from '@upshift/queues';
import { openSpan } from '@upshift/runtime';
import type { OpenSpan } from '@upshift/runtime';

/** What is asked for, before it has a span. */
export type Unspanned = Omit<Asked, 'traceparent'>;

/** Accepts one job in a span, as below. Throws where it is refused. */
export async function acceptInSpan(cells: Cells, asked: Unspanned, parent: string | undefined): Promise<Accepted> {
  const [result] = await acceptEachInSpan(cells, [asked], parent);
  if (result instanceof Error) throw result;
  return result!;
}

/** Accepts each job in a span, of which all its steps will be children. It continues the client's trace where its request names one. */
export async function acceptEachInSpan(
  cells: Cells,
  asked: Unspanned[],
  parent: string | undefined,
): Promise<(Accepted | Error)[]> {
  const spans = asked.map(({ request: { route, task } }) =>
    openSpan({
      name: 'accept job',
      kind: 'producer',
      attributes: { 'upshift.route': route, 'upshift.task': task },
      parent: parent ?? null,
    }),
  );
  const results = await acceptAll(
    cells,
    asked.map((one, position) => ({ ...one, traceparent: spans[position]?.traceparent ?? null })),
  );
  spans.forEach((span, position) => span && endSpan(span, results[position]!));
  return results;
}

function endSpan(span: OpenSpan, result: Accepted | Error): void {
  if (result instanceof Error) span.end({}, result);
  else span.end({ 'upshift.job.id': result.id, 'upshift.job.created': result.created });
}
