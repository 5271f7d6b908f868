import { advance, done, readRequest } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { heuristicClassifier, promptFactsOf } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

export async function handleClassify(pipeline: Pipeline, { job }: StepContext<'classify'>): Promise<Outcome> {
  const request = await readRequest(pipeline, job.id);
  if (request === null) return { kind: 'discard', reason: 'the job has no request' };
  const classification = heuristicClassifier(promptFactsOf(request));
  annotate({ 'upshift.complexity': classification.complexity });
  await advance(pipeline, job.id, { type: 'classified', classification });
  return done;
}
