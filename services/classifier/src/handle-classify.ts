import { configOf, done } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { classifierOf, promptFactsOf } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

export async function handleClassify(pipeline: Pipeline, { job, request, advance }: StepContext<'classify'>): Promise<Outcome> {
  const classify = classifierOf(await configOf(pipeline, job.configVersion));
  const classification = classify(promptFactsOf(request));
  annotate({ 'upshift.complexity': classification.complexity });
  await advance({ type: 'classified', classification });
  return done;
}
