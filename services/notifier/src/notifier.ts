import { closeCells, consumedCells, consumeDeliveries, openCells, redisReadiness } from '@upshift/queues';
import { cellOptions } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { handleDelivery } from './handle-delivery.ts';

/** Deliveries under way at once: they wait for strangers' servers, and cost next to nothing here. */
const CONCURRENCY = 50;

const outcomes = ['delivered', 'retry', 'failed', 'disable', 'disabled'];

/** Tells endpoints of the ends of jobs. A process of its own, because it talks to strangers' servers. */
export async function startNotifier(context: ServiceContext): Promise<Running> {
  const cells = await openCells(cellOptions(context, { failFast: false }));
  // A series that begins with its first failure shows no increase.
  for (const outcome of outcomes) cells.metrics.webhookDeliveries.inc({ outcome }, 0);
  const consumer = consumeDeliveries(await consumedCells(cells), CONCURRENCY, handleDelivery);
  return {
    readiness: () => redisReadiness(cells),
    async stop() {
      await consumer.close();
      await closeCells(cells);
    },
  };
}
