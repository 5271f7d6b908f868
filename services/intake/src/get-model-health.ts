import { splitModelId } from '@upshift/contracts';
import type { ModelHealthView } from '@upshift/contracts';
import { readHealth } from '@upshift/queues';
import { whyOff } from '@upshift/routing';
import type { Health } from '@upshift/routing';
import type { RequestHandler } from 'express';

import type { Tools } from './tools.ts';

/** `GET /v1/health/models`: which models can be called now, and why others can not. */
export function getModelHealth({ cells }: Tools): RequestHandler {
  return async (_request, response) => {
    const health = await readHealth(cells);
    const data = Object.entries(cells.config.models).map(([model, { tier }]) => {
      const off = whyOff(splitModelId(model).provider, cells.config, health);
      const until = health.circuitsOpen[model];
      return {
        model,
        tier,
        state: off === null ? circuitOf(model, health) : ('provider_off' as const),
        reason: off,
        open_until: until === undefined ? null : new Date(until).toISOString(),
      };
    });
    response.json({ data } satisfies ModelHealthView);
  };
}

function circuitOf(model: string, { circuitsOpen, circuitsProbing = [] }: Health): 'circuit_open' | 'probing' | 'ready' {
  if (circuitsOpen[model] !== undefined) return 'circuit_open';
  return circuitsProbing.includes(model) ? 'probing' : 'ready';
}
