import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { sendRows, untilDrained } from '../load.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';

const MODEL_MS = 250;
const SLOTS = 8;
/** Rounds of the slots that a measurement lasts: long enough that its start and end weigh little. */
const TURNS = 24;

/** Jobs per second with a model of 250 ms at 1, 2 and 4 workers of one tier, beside the ideal: slots ÷ latency. First the one that falls shortest. */
export async function tierScaling(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const figures: Figure[] = [];
  try {
    for (const workers of [1, 2, 4]) {
      const system = await startSystem(server.url, { concurrency: SLOTS, modelMs: MODEL_MS, economyWorkers: workers });
      const samples: Sample[] = [];
      try {
        await sendRows(system.url, SLOTS * workers * 2);
        await untilDrained(server.redis);
        await rounds(async () => {
          const jobs = SLOTS * workers * TURNS;
          const startedAt = performance.now();
          await sendRows(system.url, jobs);
          await untilDrained(server.redis);
          const seconds = (performance.now() - startedAt) / 1000;
          samples.push({ value: jobs / seconds, reference: (SLOTS * workers * 1000) / MODEL_MS });
        });
      } finally {
        await system.stop();
      }
      figures.push(figureOf(`tier_scaling_${workers}`, 'jobs/s', samples, { at: 'least', ratio: 0.9 }));
    }
  } finally {
    await server.stop();
  }
  const [worst] = figures.toSorted((one, other) => one.ratio - other.ratio);
  return [{ ...worst!, name: 'tier_scaling' }, ...figures];
}
