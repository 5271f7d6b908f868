import type { JobView } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { readView as readViewOrNull } from '@upshift/queues';
import type { Cells } from '@upshift/queues';

/** A job as the API shows it. Throws a 404 problem where there is none. */
export async function readView(cells: Cells, id: string): Promise<JobView> {
  const view = await readViewOrNull(cells.of(id), id);
  if (view === null) throw noSuchJob(id);
  return view;
}

export function noSuchJob(id: string): ProblemError {
  return new ProblemError('not_found', `there is no job ${id.slice(0, 100)}, or its retention has ended`);
}
