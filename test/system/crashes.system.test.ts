import type { JobRequestBody, JobView, TrailEntry } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, ProgramName } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

const JOBS = 48;
const tasks = ['classification', 'summarization', 'code_generation', 'creative_writing'];
const CALL_MS = 700;

/** By design a killed worker's entry comes back after its lock (10 s) and the next check (3 s). */
const RECOVERED_MS = 40_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet?.close());

/** A client that does what the API asks of it: where no answer comes, the same post under the same key. */
async function submit(body: JobRequestBody, key: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const { status, body: job } = await fleet.api.post(body, { key });
      expect([200, 202]).toContain(status);
      return job.id;
    },
    { timeout: 20_000, interval: 200 },
  );
}

/** Jobs for all tiers and the fallback queue. */
function bodyOf(index: number): JobRequestBody {
  const task = tasks[index % tasks.length] ?? null;
  const fails = index % 8 === 7;
  return { input: { prompt: `Job ${index}.` }, task, checks: fails ? [{ type: 'one_of', values: ['impossible'] }] : [] };
}

async function killAndRestart(name: ProgramName): Promise<void> {
  await fleet.kill(name);
  await fleet.start(name);
}

async function isCalling(tier: string): Promise<void> {
  const models = fleet.config().models;
  const calls = (): boolean =>
    fleet.sandbox.ledger.generations.some(
      ({ model, outcome }) => outcome === 'in_flight' && (tier === 'fallback' || models[model]?.tier === tier),
    );
  await vi.waitFor(() => expect(calls()).toBe(true), { timeout: 40_000, interval: 20 });
}

async function killAll(): Promise<void> {
  for (const tier of ['economy', 'standard', 'premium', 'fallback'] as const) {
    await isCalling(tier);
    await killAndRestart(`worker-${tier}`);
  }
  for (const name of ['intake', 'classifier', 'scorer', 'steward'] as const) await killAndRestart(name);
}

function attemptsSent(trail: TrailEntry[]): number[] {
  return trail.flatMap(({ event, attempt = 0 }) => (event === 'attempt-sent' ? [attempt] : []));
}

function lostCalls(trail: TrailEntry[]): TrailEntry[] {
  return trail.filter(({ event, error }) => event === 'attempt-failed' && error === 'outcome_unknown');
}

test(
  'every program is killed once in the midst of its work, and every job still completes, paid once',
  { timeout: 180_000 },
  async () => {
    fleet.sandbox.settings.change({ latency_ms: CALL_MS });

    const killed = killAll();
    const ids = await Promise.all(Array.from({ length: JOBS }, (_, index) => submit(bodyOf(index), `crash ${index}`)));
    await killed;
    const late = await Promise.all(Array.from({ length: 8 }, (_, index) => submit(bodyOf(index), `after the crash ${index}`)));
    const jobs = await Promise.all([...ids, ...late].map((id) => fleet.api.until(id, hasEnded, RECOVERED_MS)));

    expect(new Set(jobs.map(({ id }) => id)).size).toBe(JOBS + 8);
    expect(jobs.filter(({ status }) => status !== 'completed')).toEqual([]);
    expect(fleet.sandbox.ledger.summary().duplicates).toEqual([]);
    const trails = await Promise.all(jobs.map(({ id }) => fleet.api.trail(id)));
    jobs.forEach((job, index) => expectAccounted(job, trails[index] ?? []));
    expect(trails.flatMap(lostCalls).length).toBeGreaterThan(0);
  },
);

/** What the vendors generated is in the trail, attempt by attempt, and what is not known is said. */
function expectAccounted(job: JobView, trail: TrailEntry[]): void {
  const sent = attemptsSent(trail);
  const generated = generationsOf(fleet, job.id).map(({ client_request_id: id }) => Number(id?.split('.').at(-1)));
  expect(sent).toEqual(expect.arrayContaining(generated));
  expect(new Set(sent).size).toBe(sent.length);
  expect(job.cost_unknown).toBe(lostCalls(trail).length > 0);
  expect(eventsOf(trail).filter((event) => event === 'job-completed')).toHaveLength(1);
}

test('a killed steward is replaced: deadlines are kept again within its lease', async () => {
  fleet.sandbox.settings.change({ latency_ms: null });
  const prompt = 'The steward has to end this one.';
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'too late', latency_ms: 600_000 });
  const { id } = (await fleet.api.post({ input: { prompt }, task: 'classification', limits: { deadline: inMs(2000) } })).body;

  await killAndRestart('steward');

  expect(await fleet.api.until(id, hasEnded, 15_000)).toMatchObject({ status: 'expired' });
});

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

test('a worker that is told to stop finishes the call in hand and ends with 0', async () => {
  const prompt = 'Finish me first.';
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'finished', latency_ms: 1500 });
  const { id } = (await fleet.api.post({ input: { prompt }, task: 'classification' })).body;
  await vi.waitFor(() => expect(generationsOf(fleet, id)).toHaveLength(1), { timeout: 10_000 });

  expect(await fleet.stop('worker-economy')).toEqual([0]);

  const job = await fleet.api.until(id, hasEnded);
  expect(job).toMatchObject({ status: 'completed', attempts: 1, failovers: 0, result: { text: 'finished' } });
  expect(generationsOf(fleet, id).map(({ outcome }) => outcome)).toEqual(['delivered']);
});

test('every other program that is told to stop ends with 0', async () => {
  const codes = await fleet.stop(
    'intake',
    'console',
    'classifier',
    'scorer',
    'steward',
    'worker-standard',
    'worker-premium',
    'worker-fallback',
  );
  expect(codes).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
});
