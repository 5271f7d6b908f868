import {
  closePipeline,
  evaluateExperiments,
  expireJobs,
  forgetJobs,
  leaseOf,
  measureQueues,
  openPipeline,
  reconcile,
  redisReadiness,
} from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { pipelineOptions } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

interface Chore {
  name: string;
  everyMs: number;
  run: (pipeline: Pipeline) => Promise<unknown>;
}

/** An unfinished job that nothing touched for this long is looked at: longer than a killed worker's entry takes to return. */
const UNTOUCHED_MS = 60_000;

/** The one place for timers. */
const chores: Chore[] = [
  { name: 'expire jobs', everyMs: 500, run: expireJobs },
  { name: 'evaluate experiments', everyMs: 500, run: evaluateExperiments },
  { name: 'measure queues', everyMs: 5000, run: measureQueues },
  { name: 'forget jobs', everyMs: 1000, run: forgetJobs },
  { name: 'reconcile', everyMs: 30_000, run: (pipeline) => reconcile(pipeline, UNTOUCHED_MS) },
];

/** How often due chores are looked for, and how long the right to do them lasts without renewal. */
const TICK_MS = 250;
const LEASE_MS = 10_000;

/** Does what must happen by the clock. Of several stewards exactly one acts, by a lease. */
export async function startSteward(context: ServiceContext): Promise<Running> {
  const pipeline = await openPipeline(pipelineOptions(context, { failFast: false }));
  const lease = leaseOf(pipeline, 'steward');
  const due = new Map(chores.map(({ name }) => [name, 0]));
  const stopping = new AbortController();
  const stopped = loop(stopping.signal, async () => {
    if (!(await lease.hold(LEASE_MS))) return forgetMeasures(context);
    for (const chore of chores) await runIfDue(context, pipeline, chore, due);
  });
  return {
    readiness: () => redisReadiness(pipeline),
    async stop() {
      stopping.abort();
      await stopped;
      await lease.release();
      await closePipeline(pipeline);
    },
  };
}

/** Another steward measures now: what this one saw last is old news. */
function forgetMeasures({ metrics }: ServiceContext): void {
  metrics.queueDepth.reset();
  metrics.oldestWaitingSeconds.reset();
}

async function runIfDue(
  { logger }: ServiceContext,
  pipeline: Pipeline,
  { name, everyMs, run }: Chore,
  due: Map<string, number>,
): Promise<void> {
  if (Date.now() < (due.get(name) ?? 0)) return;
  due.set(name, Date.now() + everyMs);
  await run(pipeline).catch((error: unknown) => logger.error({ chore: name, reason: String(error) }, 'chore failed'));
}

async function loop(stopping: AbortSignal, turn: () => Promise<void>): Promise<void> {
  while (!stopping.aborted) {
    await turn().catch(() => undefined);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TICK_MS);
      stopping.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}
