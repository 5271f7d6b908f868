import { once } from 'node:events';

import { readLabels } from '@upshift/queues';
import type { RequestHandler } from 'express';

import type { Tools } from './tools.ts';

/** `GET /v1/labels`: what became of answers, a JSON line each. */
export function getLabels({ cells, stopping }: Tools): RequestHandler {
  return async (_request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const over = AbortSignal.any([gone.signal, stopping]);
    response.type('application/x-ndjson');
    for await (const label of readLabels(cells)) {
      // Not ended: a file that was cut off must not look whole.
      if (over.aborted) return void response.destroy();
      if (!response.write(`${JSON.stringify(label)}\n`)) await once(response, 'drain', { signal: over }).catch(() => undefined);
    }
    response.end();
  };
}
