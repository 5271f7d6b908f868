import { splitModelId } from '@upshift/contracts';
import type { ModelHealthView } from '@upshift/contracts';
import { readHealth } from '@upshift/queues';
import type { RequestHandler } from 'express';

import type { Tools } from './tools.ts';

/** `GET /v1/health/models`: which models can be called now, and why others can not. */
export function getModelHealth({ cells }: Tools): RequestHandler {
  return async (_request, response) => {
    const { providersOff, circuitsOpen } = await readHealth(cells);
    const { models, providers } = cells.config;
    const data = Object.entries(models).map(([model, { tier }]) => {
      const { provider } = splitModelId(model);
      const off = providers[provider]?.enabled === false ? 'switched off in the configuration' : (providersOff[provider] ?? null);
      const until = circuitsOpen[model];
      return {
        model,
        tier,
        state: off !== null ? ('provider_off' as const) : until === undefined ? ('ready' as const) : ('circuit_open' as const),
        reason: off,
        open_until: until === undefined ? null : new Date(until).toISOString(),
      };
    });
    response.json({ data } satisfies ModelHealthView);
  };
}
