import { isTerminal } from '@upshift/contracts';
import { advance, readJob, readTrail } from '@upshift/queues';

import { viewAfterWait } from './prefer-wait.ts';
import { noSuchJob, readView } from './read-view.ts';
import type { ById, Tools } from './tools.ts';

export function getJob(tools: Tools): ById {
  return async (request, response) => {
    const view = await viewAfterWait(tools, request.params.id, request, response);
    if (!isTerminal(view.status)) response.set('Retry-After', '1');
    response.json(view);
  };
}

export function getTrail({ cells }: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    if ((await readJob(cells.of(id), id)) === null) throw noSuchJob(id);
    response.json({ data: await readTrail(cells.of(id), id) });
  };
}

/** Idempotent: cancelling a job that has ended changes nothing and answers with the job as it is. */
export function cancelJob({ cells }: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    if ((await advance(cells.of(id), id, { type: 'cancelled' })) === null) throw noSuchJob(id);
    response.json(await readView(cells, id));
  };
}
