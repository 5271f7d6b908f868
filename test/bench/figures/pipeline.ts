import { cpuOf, cpuPerJob } from '../cpu.ts';
import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { sendRows, untilDrained } from '../load.ts';
import { startRaw } from '../references/raw.ts';
import { startRedis, startSystem } from '../system.ts';
import type { Rounds } from '../rounds.ts';

const JOBS = 4000;
/** So many before the first round: code that is not yet compiled is no part of the figure. */
const WARM_UP = 2000;

/** Jobs from the bulk request to the end, and the CPU that Redis needs for one, beside one raw BullMQ hop. */
export async function pipeline(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const system = await startSystem(server.url, { concurrency: 50 });
  const raw = await startRaw(server);
  const speeds: Sample[] = [];
  const cpu: Sample[] = [];
  const ours = async (count: number): Promise<void> => {
    await sendRows(system.url, count);
    await untilDrained(server.redis);
  };
  try {
    await ours(WARM_UP);
    await raw.run(WARM_UP);
    await rounds(async () => {
      const before = await cpuOf(system);
      const value = await measured(server.cpuSeconds, () => ours(JOBS));
      process.stderr.write(`pipeline: µs of CPU a job: ${cpuPerJob(before, await cpuOf(system), JOBS)}\n`);
      const reference = await measured(server.cpuSeconds, () => raw.run(JOBS));
      speeds.push({ value: JOBS / value.seconds, reference: JOBS / reference.seconds });
      cpu.push({ value: (value.cpu / JOBS) * 1e6, reference: (reference.cpu / JOBS) * 1e6 });
    });
  } finally {
    await raw.stop();
    await system.stop();
    await server.stop();
  }
  return [
    figureOf('pipeline', 'jobs/s', speeds, { at: 'least', ratio: 0.5, stretch: 1 }),
    figureOf('redis_cpu', 'µs/job', cpu, { at: 'most', ratio: 2.5, stretch: 1 }),
  ];
}

async function measured(
  cpuSeconds: () => Promise<number>,
  work: () => Promise<unknown>,
): Promise<{ seconds: number; cpu: number }> {
  const cpuBefore = await cpuSeconds();
  const startedAt = performance.now();
  await work();
  return { seconds: (performance.now() - startedAt) / 1000, cpu: (await cpuSeconds()) - cpuBefore };
}
