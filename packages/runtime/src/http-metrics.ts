import type { RequestHandler } from 'express';

import type { Metrics } from './metrics.ts';

/** Measures every request, by the pattern of its route: a path would make a series per job. */
export function measureRequests({ httpRequestSeconds }: Metrics): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () => {
      const pattern = (request.route as { path: unknown } | undefined)?.path;
      const route = typeof pattern === 'string' ? `${request.baseUrl}${pattern}` : 'none';
      // A client that left before the end has no status to speak of.
      const status = response.writableFinished ? `${Math.floor(response.statusCode / 100)}xx` : 'aborted';
      httpRequestSeconds.observe({ method: methodOf(request.method), route, status }, (performance.now() - startedAt) / 1000);
    });
    next();
  };
}

const methods = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

/** Any other method comes from outside as it likes. */
function methodOf(method: string): string {
  return methods.has(method) ? method : 'other';
}
