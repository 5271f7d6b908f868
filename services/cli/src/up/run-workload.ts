import type { JobView, TrailEntry } from '@upshift/contracts';

import { apiAt } from '../api.ts';
import { drive, patiently } from '../run/drive.ts';
import type { DrivenRow } from '../run/drive.ts';
import { newProgress } from './progress.ts';
import type { RunProgress } from './progress.ts';
import type { Run, Workload, WorkloadRow } from './workload.ts';

/** A row with what became of it. */
export interface Finished {
  row: WorkloadRow;
  job: JobView;
  trail: TrailEntry[];
}

/** Submits every row under a key of its own, waits until all have ended, and reads their trails. */
export async function runWorkload(
  url: string,
  workload: Workload,
  run: Run,
  onProgress: (progress: RunProgress) => void,
): Promise<Finished[]> {
  const api = apiAt(url);
  const finished: Finished[] = [];
  const outcomes = drive(api, keyed(workload.rows, run), {
    progress: newProgress(workload.rows.length),
    show: onProgress,
    say,
  });
  for await (const { row, job, error } of outcomes) {
    if (job === null) throw new Error(`row ${row.row.id} of the workload: ${error}`);
    const { data: trail } = await patiently(() => api.get<{ data: TrailEntry[] }>(`/v1/jobs/${job.id}/trail`), say);
    finished.push({ row: row.row, job, trail });
  }
  return finished;
}

/** Its own supervisor brings the API back, and tells of it. */
const say = (): void => undefined;

async function* keyed(rows: WorkloadRow[], run: Run): AsyncGenerator<DrivenRow & { row: WorkloadRow }> {
  for (const row of rows) yield { row, key: `${run.id}-${row.id}`, job: bodyOf(row), error: null };
}

function bodyOf({ id, input, checks, task, route }: WorkloadRow): Record<string, unknown> {
  return { input, checks, metadata: { row: id }, ...(task ? { task } : {}), ...(route ? { route } : {}) };
}
