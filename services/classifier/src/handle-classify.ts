import { done } from '@upshift/queues';
import type { Outcome, StepContext } from '@upshift/queues';
import { heuristicClassifier, promptFactsOf } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

export async function handleClassify({ request, advance }: StepContext<'classify'>): Promise<Outcome> {
  const classification = heuristicClassifier(promptFactsOf(request));
  annotate({ 'upshift.complexity': classification.complexity });
  await advance({ type: 'classified', classification });
  return done;
}
