import { done } from '@upshift/queues';
import type { Outcome, StepContext } from '@upshift/queues';
import { heuristicClassifier, promptFactsOf } from '@upshift/routing';

export async function handleClassify({ request, advance }: StepContext<'classify'>): Promise<Outcome> {
  await advance({ type: 'classified', classification: heuristicClassifier(promptFactsOf(request)) });
  return done;
}
