import type { JobView } from '@upshift/contracts';
import { viewOf } from '@upshift/routing';

import { readAnswer, readJob, readRequest } from './job-store.ts';
import type { Pipeline } from './pipeline.ts';

/** A job as the API shows it; null where there is none (any more). */
export async function readView(pipeline: Pipeline, id: string): Promise<JobView | null> {
  const [record, request] = await Promise.all([readJob(pipeline, id), readRequest(pipeline, id)]);
  if (record === null || request === null) return null;
  const { finalAttempt } = record.state;
  return viewOf(record.state, request, finalAttempt === null ? null : await readAnswer(pipeline, id, finalAttempt));
}
