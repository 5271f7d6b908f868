import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { sendRows } from '../load.ts';
import { startRaw } from '../references/raw.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';

const JOBS = 5000;
const CONSUMERS = ['classifier', 'scorer', 'worker', 'steward', 'notifier', 'console'];

/** What a job that waits takes in Redis, record and indexes included, beside a raw BullMQ job that holds the same payload. */
export async function bytesWaiting(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const system = await startSystem(server.url, { leaveOut: CONSUMERS });
  const samples: Sample[] = [];
  const grown = async (work: () => Promise<void>): Promise<number> => {
    const before = await server.usedBytes();
    await work();
    return ((await server.usedBytes()) - before) / JOBS;
  };
  try {
    await rounds(async () => {
      const value = await grown(() => sendRows(system.url, JOBS));
      const raw = await startRaw(server, { worker: false });
      const reference = await grown(() => raw.add(JOBS));
      await raw.stop();
      samples.push({ value, reference });
    });
  } finally {
    await system.stop();
    await server.stop();
  }
  return [figureOf('bytes_waiting', 'bytes/job', samples, { at: 'most', ratio: 1.6, stretch: 1.2 })];
}
