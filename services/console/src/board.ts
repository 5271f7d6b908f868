import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { parseModelQueue, queueNames, queueOf } from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { Router } from 'express';

/** Bull Board, read-only. Queues are looked up at each request, because a model's queue begins with its first job. */
export function createBoard(pipeline: Pipeline, basePath: string): Router {
  const server = new ExpressAdapter();
  server.setBasePath(basePath);
  const board = createBullBoard({ queues: [], serverAdapter: server, options: { uiConfig: { boardTitle: 'Upshift' } } });
  const shown = new Set<string>();
  const routes = Router();
  routes.use(async (_request, _response, next) => {
    for (const name of await queueNames(pipeline)) {
      if (shown.has(name)) continue;
      shown.add(name);
      board.addQueue(new BullMQAdapter(queueOf(pipeline, name), { readOnlyMode: true, ...titleOf(name) }));
    }
    next();
  });
  routes.use(server.getRouter() as Router);
  return routes;
}

/** Queues of models go by the model's own id on the board: their names are encoded. */
function titleOf(queue: string): { displayName?: string; description?: string } {
  const model = parseModelQueue(queue);
  return model ? { displayName: `${model.tier} · ${model.modelId}`, description: queue } : {};
}
