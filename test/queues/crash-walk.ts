import type { JobEvent } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import type { advance, readJob } from '@upshift/queues';

import { answered, classified, failed, judged, sent } from '../routing/example.ts';

interface Hands {
  read: () => ReturnType<typeof readJob>;
  move: (event: JobEvent, fields?: Record<string, string>) => ReturnType<typeof advance>;
  /** Stands for the provider: it counts what it would bill. */
  called: () => Promise<unknown>;
}

/** What the services do with a job, in one process: the pending step, and again, until the job has ended. */
export async function walk({ read, move, called }: Hands): Promise<void> {
  for (let record = await read(); record !== null && !isTerminal(record.state.status); record = await read()) {
    const { step, attempts } = record.state;
    if (step?.kind === 'classify') await move(classified(0.1));
    if (step?.kind === 'score') await move(judged(step.attempt, step.attempt === 1 ? 0.1 : 1));
    if (step?.kind !== 'call') continue;
    if (attempts[step.attempt - 1]!.state === 'sent') {
      await move(failed(step.attempt, 'outcome_unknown', { maybeBilled: true }));
    } else if ((await move(sent(step.attempt, record.state.epoch)))?.changed) {
      await called();
      await move(answered(step.attempt), { [`answer:${step.attempt}`]: `answer ${step.attempt}` });
    }
  }
}
