import type { JobView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, ProgramName, TestConfig } from './fleet.ts';
import { hasEnded } from './job-api.ts';

const workers = ['worker-economy', 'worker-standard', 'worker-premium', 'worker-fallback'] as const;
const services: ProgramName[] = ['intake', 'classifier', 'scorer', 'steward', ...workers];
const HAIKU = 'anthropic/claude-haiku-5-5';
const LLAMA = 'ollama/llama3.1:8b';

let fleet: Fleet;

beforeAll(async () => {
  // Calls that a vendor never ends are aborted soon after SIGTERM.
  fleet = await startFleet({ start: services, environment: { SHUTDOWN_GRACE_S: '1' } });
});

afterAll(() => fleet?.close());

async function restartWith(change: (config: TestConfig) => void): Promise<void> {
  await fleet.stop(...services);
  await fleet.configure(change);
  await fleet.start(...services);
}

/** A vendor that takes calls and never answers them. */
function freeze(provider: string, prompt: string): void {
  for (const model of Object.keys(fleet.config().models)) {
    if (model.startsWith(`${provider}/`))
      fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: 'too late', latency_ms: 600_000 });
  }
}

function completed(jobs: JobView[]): Promise<JobView[]> {
  return Promise.all(jobs.map(({ id }) => fleet.api.until(id, hasEnded, 30_000)));
}

test('one line of the configuration moves all jobs to the other vendors, those in flight included', async () => {
  const tasks = ['classification', 'code_generation'];
  const prompts = Array.from({ length: 24 }, (_, index) => `Frozen ${index}.`);
  prompts.forEach((prompt) => freeze('openai', prompt));
  const posted = await Promise.all(
    prompts.map((prompt, index) => fleet.api.post({ input: { prompt }, task: tasks[index % 2] ?? null })),
  );
  // Eight calls of each of the two models; the other jobs wait on their queues.
  await vi.waitFor(() => expect(fleet.sandbox.inFlight()).toBe(16), { timeout: 15_000 });

  await restartWith(({ providers }) => {
    providers['openai']!.enabled = false;
  });
  fleet.sandbox.ledger.clear();
  const fresh = await Promise.all(tasks.map((task) => fleet.api.run({ input: { prompt: 'A new one.' }, task })));
  const jobs = await completed(posted.map(({ body }) => body));

  for (const job of [...jobs, ...fresh]) {
    expect(job).toMatchObject({ status: 'completed', result: { degraded: false } });
    expect(job.result?.provider).not.toBe('openai');
  }
  expect(Object.keys(fleet.sandbox.ledger.summary().by_model).filter((model) => model.startsWith('openai/'))).toEqual([]);
});

test('jobs that wait for a model or a provider that leaves the configuration are answered all the same', async () => {
  await fleet.stop('worker-economy');
  const posted = await Promise.all([
    ...Array.from({ length: 4 }, (_, index) =>
      fleet.api.post({ input: { prompt: `Waits for haiku ${index}.` }, task: 'summarization' }),
    ),
    ...Array.from({ length: 4 }, (_, index) => fleet.api.post({ input: { prompt: `Waits for llama ${index}.` }, model: LLAMA })),
    ...Array.from({ length: 4 }, (_, index) =>
      fleet.api.post({ input: { prompt: `Waits for any ${index}.` }, task: 'classification' }),
    ),
  ]);
  for (const { body } of posted) await fleet.api.until(body.id, ({ attempts }) => attempts === 1);

  await restartWith((config) => {
    delete config.models[HAIKU];
    delete config.models[LLAMA];
    delete config.models['ollama/nomic-embed-text'];
    delete config.providers['ollama'];
    for (const rule of Object.values(config.rules ?? {})) rule.prefer = rule.prefer?.filter((id) => id !== HAIKU) ?? [];
    config.judge = { models: (config.judge?.models ?? []).filter((id) => id !== HAIKU) };
  });
  const jobs = await completed(posted.map(({ body }) => body));
  const fresh = await fleet.api.run({ input: { prompt: 'A new one, too.' }, task: 'summarization' });

  expect(jobs.slice(0, 4).map(({ status }) => status)).toEqual(Array(4).fill('completed'));
  // A pin is a promise: what can no longer be kept is said, not answered by another model.
  for (const pinned of jobs.slice(4, 8)) {
    expect(pinned).toMatchObject({ status: 'failed', result: null });
    expect(pinned.reasons.join('\n')).toContain(LLAMA);
    expect(generationsOf(fleet, pinned.id)).toEqual([]);
  }
  for (const job of jobs.slice(8)) expect(job).toMatchObject({ status: 'completed', result: { degraded: false } });
  expect(fresh).toMatchObject({ status: 'completed', result: { model: 'anthropic/claude-sonnet-5-5' } });
});
