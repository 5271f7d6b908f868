import { isTerminal } from '@upshift/contracts';
import { advance, readJob, readTrail } from '@upshift/queues';
import type { RequestHandler } from 'express';

import { viewAfterWait } from './prefer-wait.ts';
import { noSuchJob, readView } from './read-view.ts';
import type { Tools } from './tools.ts';

interface ById {
  id: string;
}

export function getJob(tools: Tools): RequestHandler<ById> {
  return async (request, response) => {
    const view = await viewAfterWait(tools, request.params.id, request, response);
    if (!isTerminal(view.status)) response.set('Retry-After', '1');
    response.json(view);
  };
}

export function getTrail({ pipeline }: Tools): RequestHandler<ById> {
  return async (request, response) => {
    const { id } = request.params;
    if ((await readJob(pipeline, id)) === null) throw noSuchJob(id);
    response.json({ data: await readTrail(pipeline, id) });
  };
}

/** Idempotent: cancelling a job that has ended changes nothing and answers with the job as it is. */
export function cancelJob({ pipeline }: Tools): RequestHandler<ById> {
  return async (request, response) => {
    const { id } = request.params;
    if ((await advance(pipeline, id, { type: 'cancelled' })) === null) throw noSuchJob(id);
    response.json(await readView(pipeline, id));
  };
}
