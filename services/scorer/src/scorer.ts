import { closePipeline, consume, openPipeline, redisReadiness, SCORE_QUEUE } from '@upshift/queues';
import type { Running, ServiceContext } from '@upshift/runtime';
import { pipelineOptions } from '@upshift/runtime';

import { handleScore } from './handle-score.ts';

/** Entries in hand at once: checks are short, so this only hides Redis' latency. */
const CONCURRENCY = 50;

/** Checks each answer, and accepts it, escalates the job, or sends it to the fallback queue. */
export async function startScorer(context: ServiceContext): Promise<Running> {
  const pipeline = await openPipeline(pipelineOptions(context, { failFast: false }));
  const consumer = consume(pipeline, SCORE_QUEUE, 'score', CONCURRENCY, (step) => handleScore(pipeline, step));
  return {
    readiness: () => redisReadiness(pipeline),
    async stop() {
      await consumer.close();
      await closePipeline(pipeline);
    },
  };
}
