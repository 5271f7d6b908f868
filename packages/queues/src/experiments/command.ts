import { ProblemError } from '@upshift/contracts';
import { commandExperiment } from '@upshift/routing';
import type { ExperimentDecision } from '@upshift/routing';

import type { Connection } from '../pipeline.ts';
import { withDecision } from './record.ts';
import type { ExperimentRecord } from './record.ts';
import { changeExperiment } from './store.ts';

export type ExperimentCommand = 'pause' | 'resume' | 'promote' | 'abort';

/** Does what a person asks; the evaluator then sees to the jobs that wait. Null where there is no such experiment. */
export function commandExperimentByName(
  connection: Connection,
  name: string,
  command: ExperimentCommand,
  arm: string | null,
): Promise<ExperimentRecord | null> {
  const now = Date.now();
  return changeExperiment(connection, name, (record) => withDecision(record, decided(record, command, arm, now), now));
}

function decided(
  { document, state }: ExperimentRecord,
  command: ExperimentCommand,
  arm: string | null,
  now: number,
): ExperimentDecision {
  try {
    return commandExperiment(document, state, command, arm, now);
  } catch (error) {
    throw new ProblemError('experiment_state', `${document.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
