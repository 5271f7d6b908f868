import type { QuarantineView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { generationsOf } from '../system/bill.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet, ProgramName } from '../system/fleet.ts';
import { hasEnded } from '../system/job-api.ts';
import { ended, report, submit } from './storm.ts';

const FOR_EVER_MS = 600_000;
/** A killed worker's entry comes back after its lock (10 s) and the next check (3 s). */
const BACK_WITHIN_MS = 30_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ environment: { LOG_LEVEL: 'warn' } });
});

afterAll(() => fleet?.close());

/** Kills the worker that calls a model for this job, as if the job had crashed it. */
async function crashBy(id: string, calls: number): Promise<void> {
  const call = await vi.waitFor(
    () => {
      const generations = generationsOf(fleet, id);
      expect(generations).toHaveLength(calls);
      return generations.at(-1);
    },
    { timeout: BACK_WITHIN_MS, interval: 20 },
  );
  const worker = `worker-${fleet.config().models[call?.model ?? '']?.tier}` as ProgramName;
  await fleet.kill(worker);
  await fleet.start(worker);
}

test('a job that crashes its workers runs alone, then no more, and takes nobody with it', { timeout: 180_000 }, async () => {
  const prompt = 'Whoever has this one dies.';
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'never', latency_ms: FOR_EVER_MS });
  fleet.sandbox.settings.change({ latency_ms: null });
  const poison = await submit(fleet, { input: { prompt }, task: 'classification' }, 'poison');
  const others: string[] = [];
  for (let crash = 1; crash <= 3; crash += 1) {
    const other = await submit(fleet, { input: { prompt: `Bystander ${crash}.` }, task: 'classification' }, `bystander ${crash}`);
    others.push(other.id);
    await crashBy(poison.id, crash);
  }

  const job = await fleet.api.until(poison.id, hasEnded, BACK_WITHIN_MS);
  const bystanders = await ended(fleet, others);
  const list = (await (await fetch(`${fleet.url('intake')}/v1/quarantine`)).json()) as QuarantineView;

  report('poison', {
    crashes: generationsOf(fleet, poison.id).length,
    bystanders_not_completed: bystanders.filter(({ job: other }) => other.status !== 'completed').length,
    quarantined: list.data.length,
  });
  expect(job.status).toBe('failed');
  expect(job.reasons.at(-1)).toMatch(/quarantined: its worker died or hung 3 times, the last time with this job alone on board/);
  expect(bystanders.filter(({ job: other }) => other.status !== 'completed')).toEqual([]);
  expect(list.data.map(({ id }) => id)).toEqual([poison.id]);

  const retried = await fleet.api.send(`/v1/jobs/${poison.id}/retry`, { method: 'POST' });
  expect(retried.status).toBe(202);
  expect(await (await fetch(`${fleet.url('intake')}/v1/quarantine`)).json()).toEqual({ data: [] });
});
