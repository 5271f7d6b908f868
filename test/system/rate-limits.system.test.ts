import { afterAll, beforeAll, expect, test } from 'vitest';

import { generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const LIMITED = 'openai/gpt-6-luna';
const PATIENT = 'anthropic/claude-haiku-5-5';

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
    reason: expect.stringMatching(/^no place within 1000 ms under its rate_limit/),
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
