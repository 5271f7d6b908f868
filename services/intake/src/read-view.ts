import type { JobView } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { readAnswer, readJob, readRequest } from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { viewOf } from '@upshift/routing';

/** A job as the API shows it. Throws a 404 problem where there is none. */
export async function readView(pipeline: Pipeline, id: string): Promise<JobView> {
  const [record, request] = await Promise.all([readJob(pipeline, id), readRequest(pipeline, id)]);
  if (record === null || request === null) throw noSuchJob(id);
  const { finalAttempt } = record.state;
  return viewOf(record.state, request, finalAttempt === null ? null : await readAnswer(pipeline, id, finalAttempt));
}

export function noSuchJob(id: string): ProblemError {
  return new ProblemError('not_found', `there is no job ${id.slice(0, 100)}, or its retention has ended`);
}
