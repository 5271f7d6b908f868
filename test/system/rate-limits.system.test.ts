import type { TrailEntry } from '@upshift/contracts';
import { closeCells, reserveRetry } from '@upshift/queues';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openTestCells } from '../queues/setting.ts';
import { generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

const LIMITED = 'openai/gpt-6-luna';
const PATIENT = 'anthropic/claude-haiku-5-5';
const UNDECLARED = 'ollama/llama3.1:8b';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    configure: ({ models }) => {
      models[LIMITED]!.rate_limit = { requests_per_minute: 2, max_wait_s: 1 };
      // Six at once, and then one a second.
      models[PATIENT]!.rate_limit = { requests_per_minute: 60, max_wait_s: 30 };
    },
  });
});

afterAll(() => fleet?.close());

test('where a declared limit leaves no place in time another model is asked, and the call is not paid', async () => {
  const jobs = await Promise.all(
    [1, 2, 3].map((index) => fleet.api.run({ input: { prompt: `Limited ${index}.` }, task: 'classification' })),
  );

  expect(jobs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  expect(jobs.filter(({ failovers }) => failovers === 1)).toHaveLength(2);
  expect(jobs.map(({ cost_unknown: unknown }) => unknown)).toEqual([false, false, false]);
  const turnedAway = jobs.find(({ failovers }) => failovers === 1);
  const trail = await fleet.api.trail(turnedAway?.id ?? '');
  expect(trail.find(({ event }) => event === 'attempt-failed')).toMatchObject({
    model: LIMITED,
    error: 'rate_limited',
    cost_usd: 0,
    reason: expect.stringMatching(/^no place within 1000 ms under its rate limit/),
  });
  expect(generationsOf(fleet, turnedAway?.id ?? '').map(({ model }) => model)).not.toContain(LIMITED);
});

test('a job that waits for its place spends no attempt', async () => {
  const jobs = await Promise.all(
    Array.from({ length: 8 }, (_, index) => fleet.api.run({ input: { prompt: `Patient ${index}.` }, task: 'translation' })),
  );

  expect(jobs.filter(({ status, attempts, failovers }) => status !== 'completed' || attempts !== 1 || failovers !== 0)).toEqual(
    [],
  );
  expect(new Set(jobs.map(({ result }) => result?.model))).toEqual(new Set([PATIENT]));
  expect(Math.max(...jobs.map(({ timings_ms: { total } }) => total ?? 0))).toBeGreaterThan(1000);
});

test('the retry-after of a vendor holds for all workers, and no attempt is spent on waiting for it', async () => {
  await fleet.start('worker-economy-2');
  fleet.sandbox.faults.replace([{ model: UNDECLARED, match: 'Stop us', kind: 'rate_limit', retry_after_s: 2, times: 1 }]);
  const { id } = (await fleet.api.post({ input: { prompt: 'Stop us.' }, model: UNDECLARED })).body;
  await vi.waitFor(async () => expect(eventsOf(await fleet.api.trail(id))).toContain('attempt-waiting'), { timeout: 10_000 });
  const limited = (await fleet.api.trail(id)).find(({ event }) => event === 'attempt-waiting');

  const others = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((index) => fleet.api.run({ input: { prompt: `Stopped ${index}.` }, model: UNDECLARED })),
  );
  const first = await fleet.api.until(id, hasEnded);

  const called = others.flatMap((job) => generationsOf(fleet, job.id).map(({ at }) => Date.parse(at)));
  expect(Math.min(...called) - Date.parse(limited?.at ?? '')).toBeGreaterThan(1900);
  for (const job of [first, ...others]) expect(job).toMatchObject({ status: 'completed', attempts: 1, failovers: 0 });
});

/** As other workers do whose jobs are tried again: until the next retry of a provider has to wait for seconds. */
async function useUpRetries(provider: string): Promise<void> {
  const cells = await openTestCells(fleet.redis.url);
  while ('waitMs' in (await reserveRetry(cells, provider, 3000)));
  await closeCells(cells);
}

/** When a trail says that its retry comes, and when it came, in ms since the epoch. */
function retryOf(trail: TrailEntry[]): { due: number; sent: number } {
  const waiting = trail.find(({ event }) => event === 'attempt-waiting');
  const [, waitMs] = /^anthropic has had its share of retries; this one comes in (\d+) ms$/.exec(waiting?.reason ?? '') ?? [];
  const sent = trail.findLast(({ event }) => event === 'attempt-sent');
  return { due: Date.parse(waiting?.at ?? '') + Number(waitMs), sent: Date.parse(sent?.at ?? '') };
}

test('retries beyond the share that a provider gets are spread over time: each job says so, and all are answered', async () => {
  fleet.sandbox.faults.replace([{ model: 'openai/gpt-6.1-terra', match: 'Storm', kind: 'server_error' }]);
  await useUpRetries('anthropic');

  // So few that no circuit opens: jobs would go to other models at once.
  const jobs = await Promise.all(
    [1, 2, 3].map((index) => fleet.api.run({ input: { prompt: `Storm ${index}.` }, task: 'code_generation' })),
  );

  expect(jobs.filter(({ status, fallbacks }) => status !== 'completed' || fallbacks > 0)).toEqual([]);
  for (const { id } of jobs) {
    const { due, sent } = retryOf(await fleet.api.trail(id));
    expect(sent).toBeGreaterThanOrEqual(due);
  }
});
