import { overCells, readQueues, unfinishedJobs } from '@upshift/queues';
import type { RequestHandler } from 'express';

import type { Tools } from './tools.ts';

/** `GET /v1/queues`: how much waits where, and since when. */
export function getQueues({ cells }: Tools): RequestHandler {
  return async (_request, response) => {
    const [queues, unfinished] = await Promise.all([readQueues(cells), unfinishedJobs(cells)]);
    const data = overCells(queues).map(({ oldestWaitingMs, ...queue }) => ({
      ...queue,
      oldest_waiting_s: oldestWaitingMs / 1000,
    }));
    response.json({ data, unfinished_jobs: unfinished });
  };
}
