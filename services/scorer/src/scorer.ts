import { closeCells, consume, consumedCells, openCells, redisReadiness, SCORE_QUEUE } from '@upshift/queues';
import { loadParsers } from '@upshift/routing';
import type { Running, ServiceContext } from '@upshift/runtime';
import { cellOptions } from '@upshift/runtime';

import { handleScore } from './handle-score.ts';

/** Entries in hand at once: checks are short, so this only hides Redis' latency. */
const CONCURRENCY = 50;

/** Checks each answer, and accepts it, escalates the job, or sends it to the fallback queue. */
export async function startScorer(context: ServiceContext): Promise<Running> {
  await loadParsers();
  const cells = await openCells(cellOptions(context, { failFast: false }));
  const consumer = consume(await consumedCells(cells), SCORE_QUEUE, 'score', CONCURRENCY, handleScore);
  return {
    readiness: () => redisReadiness(cells),
    async stop() {
      await consumer.close();
      await closeCells(cells);
    },
  };
}
