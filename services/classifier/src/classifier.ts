import { CLASSIFY_QUEUE, closeCells, consume, consumedCells, openCells, redisReadiness } from '@upshift/queues';
import type { Running, ServiceContext } from '@upshift/runtime';
import { cellOptions } from '@upshift/runtime';

import { handleClassify } from './handle-classify.ts';

/** Entries in hand at once: the work is a few reads and one write, so this only hides Redis' latency. */
const CONCURRENCY = 50;

/** Says of each accepted job how complex it is, and sends it to its first model's queue. */
export async function startClassifier(context: ServiceContext): Promise<Running> {
  const cells = await openCells(cellOptions(context, { failFast: false }));
  const consumer = consume(await consumedCells(cells), CLASSIFY_QUEUE, 'classify', CONCURRENCY, handleClassify);
  return {
    readiness: () => redisReadiness(cells),
    async stop() {
      await consumer.close();
      await closeCells(cells);
    },
  };
}
