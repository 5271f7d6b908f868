import type { ExperimentSummary, ExperimentView } from '@upshift/contracts';
import { resultsOf, sharesOf } from '@upshift/routing';

import type { DeliveryPayload } from '../catalogue.ts';
import type { Cells } from '../cells/cells.ts';
import type { Connection } from '../pipeline.ts';
import { experimentSubject } from './announce.ts';
import { countHeld } from './counts.ts';
import type { ExperimentRecord } from './record.ts';
import { readExperiment } from './store.ts';

/** An experiment as it is listed. */
export function experimentSummaryOf({ document, state, createdAt, changedAt }: ExperimentRecord): ExperimentSummary {
  const { name, kind, route } = document;
  return {
    name,
    kind,
    route,
    status: state.status,
    reason: state.reason,
    shares: sharesOf(document, state),
    created_at: new Date(createdAt).toISOString(),
    changed_at: new Date(changedAt).toISOString(),
  };
}

/** The body of the webhook that tells of a change of an experiment; null where that is forgotten. */
export async function experimentBody(connection: Connection, { job, revision, event }: DeliveryPayload): Promise<string | null> {
  const record = await readExperiment(connection, job.slice(experimentSubject('').length));
  const line = record?.history[revision - 1];
  if (!record || !line) return null;
  const { name, kind, route } = record.document;
  return JSON.stringify({
    type: event,
    timestamp: line.at,
    data: { name, kind, route, status: line.status, reason: line.reason },
  });
}

/** An experiment with its results. */
export async function experimentViewOf(cells: Cells, record: ExperimentRecord): Promise<ExperimentView> {
  const { document, state, tallies, releasedJobs, rerunJobs, history, series } = record;
  const preferences = document.kind === 'shadow' && document.judge ? record.preferences : null;
  return {
    ...experimentSummaryOf(record),
    document,
    held_jobs: await countHeld(cells, document.name),
    released_jobs: releasedJobs,
    rerun_jobs: rerunJobs,
    preferences,
    shadow: document.kind === 'shadow' ? shadowOf(record) : null,
    ...resultsOf(document, tallies, { adaptive: state.adaptive, preferences }),
    history,
    series,
  };
}

function shadowOf({ shadowCostUsd, follow, skipped }: ExperimentRecord): NonNullable<ExperimentView['shadow']> {
  return { cost_usd: shadowCostUsd, waiting_jobs: follow.length, skipped_jobs: skipped };
}
