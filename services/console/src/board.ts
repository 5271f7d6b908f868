import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { parseModelQueue, queueNames, queueOf } from '@upshift/queues';
import type { Cells, Pipeline } from '@upshift/queues';
import { Router } from 'express';
import type { Express } from 'express';

/** Bull Board, read-only. Queues are looked up at each request, because a model's queue begins with its first job. */
export function createBoard(cells: Cells, basePath: string): Router {
  const server = new ExpressAdapter();
  server.setBasePath(basePath);
  const board = createBullBoard({ queues: [], serverAdapter: server, options: { uiConfig: { boardTitle: 'Upshift' } } });
  const shown = new Set<ReturnType<typeof queueOf>>();
  const showQueues = async (cell: Pipeline, ofSeveral: boolean): Promise<void> => {
    for (const name of await queueNames(cell)) {
      const queue = queueOf(cell, name);
      if (shown.has(queue)) continue;
      shown.add(queue);
      board.addQueue(new BullMQAdapter(queue, { readOnlyMode: true, ...titleOf(name, ofSeveral ? cell.cell : null) }));
    }
  };
  const routes = Router();
  routes.use(async (_request, _response, next) => {
    const all = await cells.all();
    await Promise.all(all.map((cell) => showQueues(cell, all.length > 1)));
    next();
  });
  routes.use((server.getRouter() as Express).disable('x-powered-by'));
  return routes;
}

/**
 * Queues of models go by the model's own id on the board: their names are encoded. The board tells queues apart by prefix and name.
 *
 * @param cell null where there is only one
 */
function titleOf(queue: string, cell: number | null) {
  const model = parseModelQueue(queue);
  const title = model ? `${model.tier} · ${model.modelId}` : queue;
  const description = model ? queue : '';
  return cell === null
    ? { displayName: title, description }
    : { displayName: `cell ${cell} · ${title}`, description, prefix: `cell-${cell}.` };
}
