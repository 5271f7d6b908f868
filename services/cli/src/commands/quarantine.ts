import type { JobView, QuarantineView } from '@upshift/contracts';

import { pathTo } from '../api.ts';
import type { Api } from '../api.ts';
import { show } from '../print.ts';
import { table } from '../table.ts';

/** The jobs that crashed a worker in which they ran alone. */
export async function listQuarantine(api: Api, json: boolean): Promise<number> {
  const { data } = await api.get<QuarantineView>('/v1/quarantine');
  const rows = data.map(({ id, quarantined_at: at, route, task, reason }) => [id, at, route, task ?? '', reason]);
  const lines = rows.length === 0 ? ['No job is in quarantine.'] : table(['job', 'since', 'route', 'task', 'reason'], rows);
  return show(json, data, lines);
}

/** Submits the request again, as a new job. */
export async function retryQuarantined(api: Api, id: string, json: boolean): Promise<number> {
  const job = await api.post<JobView>(`${pathTo('jobs', id)}/retry`);
  return show(json, job, [job.id]);
}

export async function dropQuarantined(api: Api, id: string): Promise<number> {
  await api.delete(pathTo('quarantine', id));
  return show(false, null, [`Job ${id} is off the list; it stays readable until its retention ends.`]);
}
