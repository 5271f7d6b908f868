import type { ModelHealthView } from '@upshift/contracts';
import { closeCells, openCircuit } from '@upshift/queues';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import { openTestCells } from '../queues/setting.ts';
import { bookKey } from '../sandbox/book.ts';
import type { FaultRule } from '../sandbox/faults.ts';
import { billOf, generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf } from './job-api.ts';

/** Longer than any test: a call that only an abort ends. */
const FOR_EVER_MS = 600_000;
/** Successes that keep the circuits of all models closed through the failures that the tests cause. */
const WARM_UP_CALLS = 6;
const IMPATIENT = 'anthropic/claude-haiku-5-5';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    configure: ({ models, routes }) => {
      routes['remembering'] = { ...routes['default']!, cached_answers_s: 600 };
      models[IMPATIENT]!.call_timeout_s = 2;
    },
  });
  await succeed(WARM_UP_CALLS);
});

afterEach(async () => {
  fleet.sandbox.faults.replace([]);
  // Else the faults of several tests would follow one another without a success between them, which opens a circuit.
  await succeed(1);
});

/** So many good calls of every chat model. */
async function succeed(times: number): Promise<void> {
  const models = Object.entries(fleet.config().models).flatMap(([id, { capabilities }]) =>
    capabilities.includes('embedding') ? [] : [id],
  );
  const calls = models.flatMap((model) => Array.from({ length: times }, () => model));
  await Promise.all(calls.map((model) => fleet.api.run({ input: { prompt: 'Warm up.' }, model })));
}

afterAll(() => fleet?.close());

/** Calls of this prompt by these models hang until they are aborted. */
function hold(prompt: string, model = '*'): void {
  fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: 'too late', latency_ms: FOR_EVER_MS });
}

function nothingInFlight(): Promise<void> {
  return vi.waitFor(() => expect(fleet.sandbox.inFlight()).toBe(0), { timeout: 5000 });
}

async function isCalled(id: string): Promise<void> {
  await vi.waitFor(() => expect(generationsOf(fleet, id).some(({ outcome }) => outcome === 'in_flight')).toBe(true), {
    timeout: 10_000,
  });
}

const failures: FaultRule['kind'][] = ['server_error', 'overloaded', 'reset', 'malformed_json'];

test.each(failures)(
  'after %s another model of the same tier is asked, at the price of what may have been billed',
  async (kind) => {
    fleet.sandbox.faults.replace([{ model: 'openai/gpt-6-luna', match: kind, kind }]);

    const job = await fleet.api.run({ input: { prompt: `Fail with ${kind}.` }, task: 'classification' });

    expect(job).toMatchObject({
      status: 'completed',
      failovers: 1,
      escalations: 0,
      fallbacks: 0,
      attempts: 2,
      result: { tier: 'economy', degraded: false },
    });
    expect(job.result?.model).not.toBe('openai/gpt-6-luna');
    expect(job.cost_unknown).toBe(kind === 'reset' || kind === 'malformed_json');
    expect(eventsOf(await fleet.api.trail(job.id))).toEqual(
      expect.arrayContaining(['attempt-failed', 'job-failed-over', 'attempt-settled']),
    );
    await nothingInFlight();
  },
);

test("a call that outlasts the model's time is ended, its cost is called unknown, and another model answers", async () => {
  fleet.sandbox.faults.replace([{ model: IMPATIENT, match: 'for ever', kind: 'timeout' }]);

  const job = await fleet.api.run({ input: { prompt: 'Take for ever.' }, task: 'summarization' });

  expect(job).toMatchObject({ status: 'completed', failovers: 1, cost_unknown: true });
  const failed = (await fleet.api.trail(job.id)).find(({ event }) => event === 'attempt-failed');
  expect(failed).toMatchObject({ model: IMPATIENT, error: 'timeout', cost_usd: null });
  await nothingInFlight();
});

test('a rate limit is waited out by the same attempt', async () => {
  fleet.sandbox.faults.replace([
    { model: 'openai/gpt-6-luna', match: 'limited', kind: 'rate_limit', retry_after_s: 1, times: 1 },
  ]);

  const job = await fleet.api.run({ input: { prompt: 'Rate limited.' }, task: 'classification' });

  expect(job).toMatchObject({
    status: 'completed',
    attempts: 1,
    failovers: 0,
    cost_unknown: false,
    result: { model: 'openai/gpt-6-luna' },
  });
  expect(job.timings_ms.total).toBeGreaterThanOrEqual(1000);
  expect(eventsOf(await fleet.api.trail(job.id))).toEqual([
    'job-accepted',
    'job-classified',
    'attempt-claimed',
    'attempt-sent',
    'attempt-waiting',
    'attempt-sent',
    'attempt-settled',
    'answer-judged',
    'job-completed',
  ]);
  expect(generationsOf(fleet, job.id)).toHaveLength(1);
});

test('where every model of every tier fails the fallback queue answers', async () => {
  fleet.sandbox.faults.replace([{ model: '*', match: 'all fail once', kind: 'server_error', times: 1 }]);

  const job = await fleet.api.run({ input: { prompt: 'They all fail once.' }, task: 'classification' });

  const { models, routes } = fleet.config();
  const chatModels = Object.values(models).filter(({ capabilities }) => !capabilities.includes('embedding')).length;
  expect(job).toMatchObject({
    status: 'completed',
    failovers: chatModels,
    fallbacks: 1,
    attempts: chatModels + 1,
    result: { tier: 'fallback', degraded: false },
  });
  expect(routes['default']?.fallback).toContain(job.result?.model);
});

test('where the fallback chain fails too the job fails with every reason', async () => {
  fleet.sandbox.faults.replace([{ model: '*', match: 'nobody answers', kind: 'overloaded' }]);

  const job = await fleet.api.run({ input: { prompt: 'Now nobody answers.' }, task: 'code_generation' });

  expect(job).toMatchObject({ status: 'failed', result: null, fallbacks: 1, cost_usd: 0, cost_unknown: false });
  const failed = (await fleet.api.trail(job.id)).filter(({ event }) => event === 'attempt-failed');
  expect(failed.map(({ tier }) => tier)).toEqual([
    'standard',
    'standard',
    'premium',
    'premium',
    'fallback',
    'fallback',
    'fallback',
  ]);
  for (const { model } of failed) expect(job.reasons.join('\n')).toContain(model);
  expect(generationsOf(fleet, job.id)).toHaveLength(0);
});

test('where the fallback chain fails too an earlier answer to the very same request is given, where the route allows it', async () => {
  const body = { input: { prompt: 'Remember this.' }, task: 'classification', metadata: { tenant: 'one' } };
  const first = await fleet.api.run({ ...body, route: 'remembering' });
  fleet.sandbox.faults.replace([{ model: '*', match: 'Remember this', kind: 'overloaded' }]);

  const again = await fleet.api.run({ ...body, route: 'remembering' });
  const ofAnother = await fleet.api.run({ ...body, route: 'remembering', metadata: { tenant: 'two' } });

  expect(again).toMatchObject({ status: 'completed', cost_usd: 0, result: { text: first.result?.text, degraded: true } });
  expect(again.reasons.join('\n')).toContain('overloaded');
  expect((await fleet.api.trail(again.id)).find(({ event }) => event === 'answer-reused')?.reason).toContain('the same request');
  expect(ofAnother).toMatchObject({ status: 'failed', result: null });
});

test('where an answer is in hand and all other calls fail that answer is given, degraded, with reasons', async () => {
  fleet.sandbox.faults.replace(
    ['openai/gpt-6.1-terra', 'anthropic/claude-sonnet-5-5', 'openai/gpt-6.1-sol', 'anthropic/claude-opus-5-5'].map((model) => ({
      model,
      match: 'only economy',
      kind: 'server_error',
    })),
  );

  const job = await fleet.api.run({
    input: { prompt: 'It is only economy.' },
    task: 'classification',
    checks: [{ type: 'one_of', values: ['impossible'] }],
  });

  expect(job).toMatchObject({
    status: 'completed',
    escalations: 1,
    fallbacks: 1,
    result: { tier: 'economy', model: 'openai/gpt-6-luna', degraded: true },
  });
  expect(job.reasons.join('\n')).toMatch(/impossible[^]*anthropic\/claude-opus-5-5/);
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
});

test('an embedding is tried again on the same model and gives one vector per text', async () => {
  fleet.sandbox.faults.replace([{ model: '*', match: 'vector of', kind: 'server_error', times: 1 }]);

  const job = await fleet.api.run({ input: { texts: ['the vector of a lamp', 'the vector of a chair'] } });

  expect(job).toMatchObject({ status: 'completed', task: 'embedding', attempts: 2, escalations: 0, failovers: 0, fallbacks: 0 });
  expect(job.result).toMatchObject({ model: 'openai/text-embedding-3-small', score: null });
  expect(job.result?.vectors?.map(({ length }) => length)).toEqual([64, 64]);
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
});

test('a pinned model that fails is asked again, and no other', async () => {
  fleet.sandbox.faults.replace([{ model: '*', match: 'pinned', kind: 'server_error', times: 1 }]);

  const job = await fleet.api.run({ input: { prompt: 'The pinned one fails.' }, model: 'anthropic/claude-opus-5-5' });

  expect(job).toMatchObject({
    status: 'completed',
    attempts: 2,
    failovers: 0,
    result: { model: 'anthropic/claude-opus-5-5', degraded: false },
  });
});

test('a provider that denies the account is left alone: jobs go elsewhere or wait, and its models say why', async () => {
  fleet.sandbox.faults.replace([{ model: 'anthropic/claude-haiku-5-5', match: 'Denied', kind: 'auth' }]);

  const first = await fleet.api.run({ input: { prompt: 'Denied once.' }, task: 'summarization', limits: {} });

  expect(first).toMatchObject({ status: 'completed', failovers: 1, cost_unknown: false });
  // Processes look at the providers' health every 250 ms.
  await vi.waitFor(async () => {
    const next = await fleet.api.run({ input: { prompt: 'Denied no more.' }, task: 'summarization' });
    expect(next).toMatchObject({ status: 'completed', failovers: 0, attempts: 1 });
    expect(next.result?.provider).not.toBe('anthropic');
    expect(await stateOfVendor('anthropic')).toEqual(['provider_off', 'provider_off', 'provider_off']);
  }, 20_000);

  await vi.waitFor(
    async () => {
      const { id } = (await fleet.api.post({ input: { prompt: 'Denied too.' }, model: IMPATIENT })).body;
      await vi.waitFor(async () => expect(eventsOf(await fleet.api.trail(id))).toContain('attempt-waiting'));
      await fleet.api.cancel(id);
      const trail = await fleet.api.trail(id);
      expect(eventsOf(trail)).not.toContain('attempt-sent');
      expect(trail).toContainEqual(expect.objectContaining({ event: 'attempt-waiting', error: 'provider_denied' }));
      expect(generationsOf(fleet, id)).toEqual([]);
    },
    { timeout: 10_000 },
  );
  await forgetDenial('anthropic');
});

/** Else it would hold for the other tests too. */
async function forgetDenial(provider: string): Promise<void> {
  const cells = await openTestCells(fleet.redis.url);
  await cells.redis.hdel('{upshift-health}:providers', `${provider} denied`);
  await closeCells(cells);
  await vi.waitFor(async () => expect(await stateOfVendor(provider)).not.toContain('provider_off'));
}

test('a model whose circuit is open is not called, and the trail does not say so; once that time has passed it is', async () => {
  const cells = await openTestCells(fleet.redis.url);
  // Workers look at the circuits every 250 ms: a job that is sent in that very moment hears of it only then.
  await vi.waitFor(
    async () => {
      await openCircuit(cells, IMPATIENT, Date.now() + 2000);
      const { id } = await fleet.api.run({ input: { prompt: 'Wait for the circuit.' }, model: IMPATIENT });
      const ofAttempt = eventsOf(await fleet.api.trail(id)).filter((event) => event.startsWith('attempt-'));
      expect(ofAttempt).toEqual(['attempt-claimed', 'attempt-waiting', 'attempt-sent', 'attempt-settled']);
    },
    { timeout: 15_000 },
  );
  await closeCells(cells);
});

test('a model whose circuit may close again is told as probing until it has answered, whoever opened the circuit', async () => {
  const cells = await openTestCells(fleet.redis.url);
  await openCircuit(cells, IMPATIENT, Date.now() + 300);
  await closeCells(cells);
  await vi.waitFor(async () => expect(await stateOf(IMPATIENT)).toBe('probing'), 5000);

  expect(await fleet.api.run({ input: { prompt: 'Probe.' }, model: IMPATIENT })).toMatchObject({ status: 'completed' });

  await vi.waitFor(async () => {
    await fleet.api.run({ input: { prompt: 'Probe.' }, model: IMPATIENT });
    expect(await stateOf(IMPATIENT)).toBe('ready');
  }, 10_000);
});

async function stateOf(id: string): Promise<string | undefined> {
  const { data } = (await (await fetch(`${fleet.url('intake')}/v1/health/models`)).json()) as ModelHealthView;
  return data.find(({ model }) => model === id)?.state;
}

async function stateOfVendor(vendor: string): Promise<string[]> {
  const { data } = (await (await fetch(`${fleet.url('intake')}/v1/health/models`)).json()) as ModelHealthView;
  return data.flatMap(({ model, state }) => (model.startsWith(`${vendor}/`) ? [state] : []));
}

test('cancelling aborts the call in flight, starts no other, and may be repeated', async () => {
  const prompt = 'Classify until cancelled.';
  hold(prompt);
  const { id } = (await fleet.api.post({ input: { prompt }, task: 'classification' })).body;
  await isCalled(id);

  const first = await fleet.api.cancel(id);
  const second = await fleet.api.cancel(id);

  expect(first).toMatchObject({ status: 200, body: { status: 'cancelled', result: null } });
  expect(second).toMatchObject({ status: 200, body: { status: 'cancelled', completed_at: first.body.completed_at } });
  await nothingInFlight();
  const settled = await fleet.api.until(id, ({ cost_unknown: unknown }) => unknown);
  expect(settled).toMatchObject({ status: 'cancelled', attempts: 1, failovers: 0 });
  const events = eventsOf(await fleet.api.trail(id));
  expect(events.filter((event) => event === 'job-cancelled' || event === 'attempt-claimed')).toEqual([
    'attempt-claimed',
    'job-cancelled',
  ]);
  expect(generationsOf(fleet, id).map(({ outcome }) => outcome)).toEqual(['abandoned']);
});

test('cancelling a job that has ended leaves its result', async () => {
  const job = await fleet.api.run({ input: { prompt: 'Soon done.' }, task: 'classification' });
  expect((await fleet.api.cancel(job.id)).body).toEqual(job);
});

test('a deadline ends a job in the middle of a call: expired without an answer, degraded with one', async () => {
  const [empty, half] = ['Nobody answers in time.', 'Only economy answers in time.'];
  hold(empty);
  hold(half, 'openai/gpt-6.1-terra');
  const limits = { deadline: new Date(Date.now() + 5000).toISOString() };

  const [expired, degraded] = await Promise.all([
    fleet.api.run({ input: { prompt: empty }, task: 'classification', limits }),
    fleet.api.run({
      input: { prompt: half },
      task: 'classification',
      limits,
      checks: [{ type: 'one_of', values: ['impossible'] }],
    }),
  ]);

  expect(expired).toMatchObject({ status: 'expired', result: null, attempts: 1 });
  expect(expired.timings_ms.total).toBeLessThan(20_000);
  expect(degraded).toMatchObject({ status: 'completed', attempts: 2, result: { tier: 'economy', degraded: true } });
  expect(degraded.reasons.join('\n')).toContain('deadline');
  await nothingInFlight();
});
