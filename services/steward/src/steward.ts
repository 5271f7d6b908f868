import {
  closeCells,
  evaluateExperiments,
  expireJobs,
  forgetJobs,
  forgetLabels,
  keepSavings,
  leaseOf,
  measureQueues,
  openCells,
  reconcile,
  redisReadiness,
  retireCells,
} from '@upshift/queues';
import type { Cells, Pipeline } from '@upshift/queues';
import { cellOptions } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { createChores, takeTurns } from './chores.ts';
import type { Chore } from './chores.ts';
import { createMeasures } from './measures.ts';

/** An unfinished job of this age is looked at: longer than a killed worker's entry takes to return. */
const LOOKED_AT_FROM_MS = 60_000;

/** The one place for timers: what is done in each cell, and what is done once. */
const ofEachCell: Chore<Pipeline>[] = [
  { name: 'expire jobs', everyMs: 500, run: expireJobs },
  { name: 'forget jobs', everyMs: 1000, run: forgetJobs },
  { name: 'forget labels', everyMs: 600_000, run: forgetLabels },
  { name: 'reconcile', everyMs: 30_000, run: (cell) => reconcile(cell, LOOKED_AT_FROM_MS) },
];
const ofAllCells: Chore<Cells>[] = [
  { name: 'evaluate experiments', everyMs: 500, run: evaluateExperiments },
  { name: 'keep savings', everyMs: 300_000, run: keepSavings },
  { name: 'retire cells', everyMs: 60_000, run: retireCells },
];

/** How often due chores are looked for, and how long the right to do them lasts without renewal. */
const TICK_MS = 250;
const LEASE_MS = 10_000;

/** Does what must happen by the clock. Of several stewards exactly one acts, by a lease. */
export async function startSteward(context: ServiceContext): Promise<Running> {
  const cells = await openCells(cellOptions(context, { failFast: false }));
  const lease = leaseOf(cells, 'steward');
  const chores = createChores(context.logger);
  const measures = createMeasures(context.metrics, measureQueues);
  const measuring: Chore<Cells> = { name: 'measure queues', everyMs: 5000, run: (all) => measures.take(all) };
  const stopping = new AbortController();
  const stopped = takeTurns(context.logger, TICK_MS, stopping.signal, async () => {
    // Another steward measures now: what this one saw last is old news.
    if (!(await lease.hold(LEASE_MS))) return measures.forget();
    for (const cell of await cells.all()) chores.start(`cell ${cell.cell}`, ofEachCell, cell);
    chores.start('all cells', [...ofAllCells, measuring], cells);
  });
  return {
    readiness: () => redisReadiness(cells),
    async stop() {
      stopping.abort();
      await stopped;
      await chores.ended();
      await lease.release();
      await closeCells(cells);
    },
  };
}
