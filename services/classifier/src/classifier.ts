import { CLASSIFY_QUEUE, closePipeline, consume, openPipeline, redisReadiness } from '@upshift/queues';
import type { Running, ServiceContext } from '@upshift/runtime';
import { pipelineOptions } from '@upshift/runtime';

import { handleClassify } from './handle-classify.ts';

/** Entries in hand at once: the work is a few reads and one write, so this only hides Redis' latency. */
const CONCURRENCY = 50;

/** Says of each accepted job how complex it is, and sends it to its first model's queue. */
export async function startClassifier(context: ServiceContext): Promise<Running> {
  const pipeline = await openPipeline(pipelineOptions(context, { failFast: false }));
  const consumer = consume(pipeline, CLASSIFY_QUEUE, 'classify', CONCURRENCY, (context) => handleClassify(pipeline, context));
  return {
    readiness: () => redisReadiness(pipeline),
    async stop() {
      await consumer.close();
      await closePipeline(pipeline);
    },
  };
}
