import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { billOf, generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

const SLOW = 'openai/gpt-6-luna';
/** So many calls say what is usual. */
const CALLS = 20;
/** Longer than any test: a call that only an abort ends. */
const FOR_EVER_MS = 600_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    configure: ({ routes }) => {
      routes['hedged'] = { ...routes['default']!, hedge: true };
    },
  });
  await learnWhatIsUsual();
});

afterAll(() => fleet?.close());

async function learnWhatIsUsual(): Promise<void> {
  await Promise.all(
    Array.from({ length: CALLS }, (_, index) => fleet.api.run({ input: { prompt: `Usual ${index}.` }, model: SLOW })),
  );
}

function hang(prompt: string, ...models: string[]): void {
  for (const model of models)
    fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: 'too late', latency_ms: FOR_EVER_MS });
}

async function submit(prompt: string, route: string): Promise<string> {
  return (await fleet.api.post({ input: { prompt }, task: 'classification', route })).body.id;
}

test('a call that takes unusually long is answered by a second model; the first is cancelled and its cost called unknown', async () => {
  hang('Slow on one model.', SLOW);

  const job = await fleet.api.until(await submit('Slow on one model.', 'hedged'), hasEnded);

  expect(job).toMatchObject({ status: 'completed', attempts: 2, failovers: 0, escalations: 0, cost_unknown: true });
  expect(job.result?.tier).toBe('economy');
  expect(job.result?.model).not.toBe(SLOW);
  // The first call is settled when its end has been told, a moment after the job's.
  await vi.waitFor(async () => {
    const trail = await fleet.api.trail(job.id);
    expect(trail.find(({ event, purpose }) => event === 'attempt-claimed' && purpose === 'hedge')?.reason).toMatch(
      /^openai\/gpt-6-luna has not answered within \d+ ms, longer than 95 % of its calls$/,
    );
    expect(trail.find(({ event }) => event === 'attempt-failed')).toMatchObject({
      model: SLOW,
      error: 'aborted',
      cost_usd: null,
    });
  }, 20_000);
  await vi.waitFor(
    () => expect(generationsOf(fleet, job.id).map(({ outcome }) => outcome)).toEqual(['abandoned', 'delivered']),
    20_000,
  );
  expect(job.cost_usd).toBeLessThanOrEqual(billOf(fleet, job.id));
});

test('a route that does not want it waits for its first call', async () => {
  const prompt = 'Slow, and nobody minds.';
  fleet.sandbox.book.add({ model: SLOW, key: bookKey(prompt), answer: 'at last', latency_ms: 1500 });
  const job = await fleet.api.until(await submit(prompt, 'default'), hasEnded);
  expect(job).toMatchObject({ status: 'completed', attempts: 1, result: { text: 'at last', model: SLOW } });
});

test(
  'a worker that dies with both calls on board: both are unknown, and the job is answered all the same',
  { timeout: 90_000 },
  async () => {
    const prompt = 'Slow on all models of the tier.';
    hang(prompt, SLOW, 'anthropic/claude-haiku-5-5', 'ollama/llama3.1:8b');
    const id = await submit(prompt, 'hedged');
    await vi.waitFor(() => expect(generationsOf(fleet, id)).toHaveLength(2), { timeout: 10_000 });

    await fleet.kill('worker-economy');
    fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'in time' });
    for (const model of [SLOW, 'anthropic/claude-haiku-5-5', 'ollama/llama3.1:8b'])
      fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: 'in time' });
    await fleet.start('worker-economy');
    const job = await fleet.api.until(id, hasEnded, 60_000);

    expect(job).toMatchObject({ status: 'completed', cost_unknown: true, result: { text: 'in time', degraded: false } });
    const trail = await fleet.api.trail(id);
    expect(trail.filter(({ error }) => error === 'outcome_unknown')).toHaveLength(2);
    expect(eventsOf(trail).filter((event) => event === 'job-completed')).toHaveLength(1);
  },
);
