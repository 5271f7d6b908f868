import { closeCells, queueOf } from '@upshift/queues';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openTestCells } from '../queues/setting.ts';
import { bookKey } from '../sandbox/book.ts';
import { generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

const LIMITED = 'openai/gpt-6-luna';
/** Longer than any test: a call that only an abort ends. */
const FOR_EVER_MS = 600_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    environment: { SHUTDOWN_GRACE_S: '1' },
    configure: ({ models }) => {
      // One at once, a second one two seconds later: it waits in the worker's hand.
      models[LIMITED]!.rate_limit = { requests_per_minute: 15, max_wait_s: 60 };
    },
  });
});

afterAll(() => fleet?.close());

async function submit(prompt: string): Promise<string> {
  return (await fleet.api.post({ input: { prompt }, task: 'classification' })).body.id;
}

const sum = (numbers: number[]): number => numbers.reduce((all, number) => all + number, 0);

async function isCalled(id: string): Promise<void> {
  await vi.waitFor(() => expect(generationsOf(fleet, id)).toHaveLength(1), { timeout: 10_000 });
}

function answer(prompt: string, text: string, latencyMs: number): void {
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: text, latency_ms: latencyMs });
}

test('a worker that stops puts back what it has not sent, uncounted, and what it has sent is asked once more, at an unknown cost', async () => {
  answer('Sent.', 'too late', FOR_EVER_MS);
  const sent = await submit('Sent.');
  await isCalled(sent);
  const waiting = await submit('Not sent.');
  const cells = await openTestCells(fleet.redis.url, { cells: fleet.redis.cells });
  const queues = (await cells.all()).map((cell) => queueOf(cell, 'tier.economy.openai~2Fgpt-6-luna'));
  const active = async () => sum(await Promise.all(queues.map((queue) => queue.getActiveCount())));
  await vi.waitFor(async () => expect(await active()).toBe(2), { timeout: 1500, interval: 10 });

  expect(await fleet.stop('worker-economy')).toEqual([0]);

  const entries = (await Promise.all(queues.map((queue) => queue.getJobs(['prioritized', 'waiting'])))).flat();
  expect(entries.map(({ data }) => (data as { job: string }).job).toSorted()).toEqual([sent, waiting].toSorted());
  expect(entries.map(({ attemptsMade, stalledCounter }) => [attemptsMade, stalledCounter])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  await closeCells(cells);
  expect(eventsOf(await fleet.api.trail(waiting))).toEqual(['job-accepted', 'job-classified', 'attempt-claimed']);
  answer('Sent.', 'in time', 0);
  await fleet.start('worker-economy');
  const [first, second] = await Promise.all([sent, waiting].map((id) => fleet.api.until(id, hasEnded, 60_000)));

  expect(first).toMatchObject({ status: 'completed', attempts: 2, cost_unknown: true, escalations: 0, failovers: 0 });
  expect(first?.result).toMatchObject({ text: 'in time', model: LIMITED });
  expect(second).toMatchObject({ status: 'completed', attempts: 1, cost_unknown: false, failovers: 0 });
  const trail = await fleet.api.trail(sent);
  expect(trail.find(({ event }) => event === 'attempt-failed')).toMatchObject({ error: 'aborted', cost_usd: null });
  expect(trail.find(({ attempt, event }) => attempt === 2 && event === 'attempt-claimed')?.reason).toContain('asked once more');
});
