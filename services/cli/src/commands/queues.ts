import type { QueuesView } from '@upshift/contracts';

import type { Api } from '../api.ts';
import { exitCode } from '../exit-code.ts';
import { table } from '../table.ts';

/** What waits where, and for how long. */
export async function queues(api: Api, json: boolean): Promise<number> {
  const view = await api.get<QueuesView>('/v1/queues');
  if (json) return (process.stdout.write(`${JSON.stringify(view)}\n`), exitCode.ok);
  const rows = view.data.map(({ queue, tier, model, waiting, delayed, active, failed, oldest_waiting_s: oldest }) => [
    model === null ? queue : `${tier} · ${model}`,
    waiting,
    active,
    delayed,
    failed,
    oldest.toFixed(1),
  ]);
  const lines = table(['queue', 'waiting', 'active', 'delayed', 'failed', 'oldest, s'], rows);
  process.stdout.write(`${[...lines, '', `${view.unfinished_jobs} unfinished jobs`].join('\n')}\n`);
  return exitCode.ok;
}
