import { closePipeline, consumeDeliveries, openPipeline, redisReadiness } from '@upshift/queues';
import { pipelineOptions } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { handleDelivery } from './handle-delivery.ts';

/** Deliveries under way at once: they wait for strangers' servers, and cost next to nothing here. */
const CONCURRENCY = 50;

const outcomes = ['delivered', 'retry', 'failed', 'disable', 'disabled'];

/** Tells endpoints of the ends of jobs. A process of its own, because it talks to strangers' servers. */
export async function startNotifier(context: ServiceContext): Promise<Running> {
  const pipeline = await openPipeline(pipelineOptions(context, { failFast: false }));
  // A series that begins with its first failure shows no increase.
  for (const outcome of outcomes) pipeline.metrics.webhookDeliveries.inc({ outcome }, 0);
  const consumer = consumeDeliveries(pipeline, CONCURRENCY, (told, triesBefore) => handleDelivery(pipeline, told, triesBefore));
  return {
    readiness: () => redisReadiness(pipeline),
    async stop() {
      await consumer.close();
      await closePipeline(pipeline);
    },
  };
}
