import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { billOf, generationsOf } from '../system/bill.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';
import { hasEnded } from '../system/job-api.ts';
import { report } from './storm.ts';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ environment: { LOG_LEVEL: 'warn' } });
});

afterAll(() => fleet?.close());

test(
  'a worker that hangs past its lock and wakes up again: one result, delivered once, and each call charged once',
  { timeout: 120_000 },
  async () => {
    const prompt = 'Two workers have this one.';
    fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'of either worker', latency_ms: 1000 });
    const { id } = (await fleet.api.post({ input: { prompt }, task: 'classification' })).body;
    await vi.waitFor(() => expect(generationsOf(fleet, id)).toHaveLength(1), { timeout: 10_000, interval: 5 });

    process.kill(fleet.pid('worker-economy'), 'SIGSTOP');
    await fleet.start('worker-economy-2');
    const first = await fleet.api.until(id, hasEnded, 60_000);
    process.kill(fleet.pid('worker-economy'), 'SIGCONT');
    // The first worker has its answer by then, and says so: stopping waits for that.
    expect(await fleet.stop('worker-economy')).toEqual([0]);

    const job = await fleet.api.job(id);
    const trail = await fleet.api.trail(id);
    const figures = {
      calls: generationsOf(fleet, id).length,
      ends: trail.filter(({ event }) => event === 'job-completed').length,
      charged: trail.filter(({ event, cost_usd: cost }) => event === 'attempt-settled' && typeof cost === 'number').length,
    };
    report('twins', figures);
    expect(job.result).toEqual(first.result);
    expect(first).toMatchObject({ status: 'completed', attempts: 2, failovers: 0 });
    expect(trail.find(({ event }) => event === 'job-completed')).toMatchObject({ attempt: 2 });
    expect(figures).toEqual({ calls: 2, ends: 1, charged: 1 });
    // The lost call was billed too, for nobody knows how much.
    expect(job.cost_unknown).toBe(true);
    expect(job.cost_usd).toBeLessThan(billOf(fleet, id));
  },
);
