import { Router } from 'express';

import type { Metrics } from './metrics.ts';

/** Whether a process can do its work now, and if not, why. */
export type Readiness = () => Promise<{ ready: boolean; reason: string }>;

/**
 * `/livez`: the process and its event loop answer (Redis is not asked: its absence is no reason to restart this process);
 * `/readyz`: it can do its work; `/metrics`: Prometheus text.
 */
export function probeRoutes(readiness: Readiness, metrics: Metrics): Router {
  const routes = Router();
  routes.get('/livez', (_request, response) => void response.json({ status: 'ok' }));
  routes.get('/readyz', async (_request, response) => {
    const { ready, reason } = await readiness();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable', reason });
  });
  routes.get('/metrics', async (_request, response) => {
    metrics.ready.set((await readiness()).ready ? 1 : 0);
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return routes;
}
