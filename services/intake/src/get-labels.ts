import { once } from 'node:events';

import { readLabels } from '@upshift/queues';
import type { RequestHandler } from 'express';

import type { Tools } from './tools.ts';

/** `GET /v1/labels`: what became of answers, a JSON line each. */
export function getLabels({ cells, stopping }: Tools): RequestHandler {
  return async (_request, response) => {
    response.type('application/x-ndjson');
    for await (const label of readLabels(cells)) {
      if (response.closed || stopping.aborted) break;
      if (!response.write(`${JSON.stringify(label)}\n`)) await once(response, 'drain', { signal: stopping });
    }
    response.end();
  };
}
