import type { JobEvent } from '@upshift/contracts';
import type { StepContext } from '@upshift/queues';

/** Whether the job is still at this step after the event, so that nobody was asked. */
export async function staysWith({ step: { attempt }, advance }: StepContext<'score'>, event: JobEvent): Promise<boolean> {
  const advanced = await advance(event);
  return advanced?.job.step?.kind === 'score' && advanced.job.step.attempt === attempt;
}
