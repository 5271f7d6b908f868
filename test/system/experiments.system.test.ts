import type { ExperimentView, JobView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { CONSOLE_PASSWORD, programs, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';
import { sayOnly, startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

const CANDIDATE = 'openai/candidate';
const STABLE = 'openai/gpt-6-luna';
/** Jobs posted at once while a canary runs: enough that many are under way when it is decided. */
const LOAD = 40;
const DECIDED_WITHIN_MS = 90_000;

let fleet: Fleet;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  receiver.answer = sayOnly(204);
  fleet = await startFleet({
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true };
      config.models[CANDIDATE] = { ...config.models[STABLE]!, on_trial: true };
      // The checks only say how good an answer is: without a canary that holds, a wrong one would go out.
      const checks = [{ type: 'contains' as const, values: ['right'], gate: false }];
      config.routes['watched'] = { strategy: 'rules', checks, fallback: [STABLE], webhook: 'watcher' };
      config.routes['plain'] = { strategy: 'rules', fallback: [STABLE] };
      config.routes['seen'] = { strategy: 'rules', fallback: [STABLE] };
    },
  });
  await call('POST', '/v1/webhooks', { name: 'watcher', url: receiver.url });
});
afterAll(async () => {
  await fleet?.close();
  receiver?.close();
});

/** What the webhooks that came tell, one per delivery. */
function told(): { type: string; id: string }[] {
  return receiver.received.map(({ body }) => {
    const { type, data } = JSON.parse(body) as { type: string; data: { id?: string; name?: string } };
    return { type, id: data.id ?? data.name ?? '' };
  });
}

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${fleet.url('intake')}${path}`, { method, ...init });
  return { status: response.status, body: await response.json() };
}

async function experiment(name: string): Promise<ExperimentView> {
  return (await call('GET', `/v1/experiments/${name}`)).body as ExperimentView;
}

async function start(document: Record<string, unknown>): Promise<void> {
  const { status, body } = await call('POST', '/v1/experiments', document);
  expect(body).toMatchObject({ status: 'running' });
  expect(status).toBe(201);
}

function canary(name: string): Record<string, unknown> {
  return {
    name,
    kind: 'canary',
    route: 'watched',
    arms: [{ name: 'stable' }, { name: 'canary', overrides: { models: { economy: [CANDIDATE] } } }],
    guardrails: [{ metric: 'score', absolute: 0.05 }],
    steps: [20, 50, 100],
    min_samples: 60,
    min_seconds: 1,
    hold: true,
    webhook: 'watcher',
  };
}

/** The canary's answer is this, that of all others is right. */
function answers(prompt: string, ofCanary: string): void {
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'This is right.', latency_ms: 20 });
  fleet.sandbox.book.add({ model: CANDIDATE, key: bookKey(prompt), answer: ofCanary, latency_ms: 20 });
}

async function post(prompt: string, route = 'watched', metadata: Record<string, string> = {}): Promise<string> {
  const { status, body } = await fleet.api.post({ input: { prompt }, route, task: 'classification', metadata });
  expect(status).toBe(202);
  return body.id;
}

/** Posts jobs, a batch while the one before is under way, until the experiment is decided. `between` is told how many batches there were. */
async function postUntilDecided(name: string, prompt: string, between: (batches: number) => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let before: string[] = [];
  const until = Date.now() + DECIDED_WITHIN_MS;
  for (let batches = 0; Date.now() < until; batches += 1) {
    const batch = await Promise.all(Array.from({ length: LOAD }, () => post(prompt)));
    ids.push(...batch);
    await between(batches);
    await Promise.all(before.map(endedOrHeld));
    before = batch;
    if ((await experiment(name)).status !== 'running') return ids;
  }
  throw new Error(`${name} is not decided: ${JSON.stringify(await experiment(name))}`);
}

function endedOrHeld(id: string): Promise<void> {
  return vi.waitFor(
    async () => {
      if (hasEnded(await fleet.api.job(id))) return;
      expect(eventsOf(await fleet.api.trail(id))).toContain('job-held');
    },
    { timeout: 30_000, interval: 100 },
  );
}

function allEnded(ids: string[]): Promise<JobView[]> {
  return Promise.all(ids.map((id) => fleet.api.until(id, hasEnded, 60_000)));
}

test('a canary with wrong answers is rolled back by itself although its evaluator is killed, and none of them is delivered', async () => {
  const prompt = 'Is a canary right?';
  answers(prompt, 'This is wrong.');
  await start(canary('bad-model'));
  const ids = await postUntilDecided('bad-model', prompt, async (batches) => {
    if (batches !== 1) return;
    // In the midst of it: some answers are held, and the canary is not decided.
    await vi.waitFor(async () => expect((await experiment('bad-model')).held_jobs).toBeGreaterThan(0), 20_000);
    await fleet.kill('steward');
    await fleet.start('steward');
  });
  const jobs = await allEnded(ids);

  expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']));
  expect(jobs.filter(({ result }) => result?.text !== 'This is right.')).toEqual([]);
  const trails = await Promise.all(ids.map((id) => fleet.api.trail(id)));
  const held = trails.filter((trail) => eventsOf(trail).includes('job-held'));
  expect(held.length).toBeGreaterThan(0);
  for (const trail of trails) expect(eventsOf(trail).filter((event) => event === 'job-completed')).toHaveLength(1);
  for (const trail of held)
    expect(eventsOf(trail)).toEqual(expect.arrayContaining(['arm-assigned', 'job-rerun', 'job-completed']));

  const view = await vi.waitFor(async () => {
    const found = await experiment('bad-model');
    expect(found.rerun_jobs).toBe(held.length);
    return found;
  }, 20_000);
  expect(view).toMatchObject({ status: 'rolled_back', held_jobs: 0, released_jobs: 0, shares: {} });
  expect(view.reason).toContain('score is 0 of');
  const paid = trails.flat().filter(({ event, model }) => event === 'attempt-settled' && model === CANDIDATE);
  const cost = paid.reduce((sum, { cost_usd: costUsd }) => sum + costUsd!, 0);
  expect(cost).toBeGreaterThan(0);
  expect(view.arms.find(({ arm }) => arm === 'canary')).toMatchObject({
    cost_usd: expect.closeTo(cost, 9) as number,
    cost_unknown_jobs: 0,
    accepted_jobs: held.length,
  });
  await vi.waitFor(() => {
    for (const id of ids) expect(told().filter((one) => one.id === id)).toEqual([{ type: 'job.completed', id }]);
    expect(
      told()
        .filter(({ id }) => id === 'bad-model')
        .map(({ type }) => type),
    ).toEqual(['experiment.started', 'experiment.rolled_back']);
  }, 60_000);
}, 180_000);

test('the same canary with a good model is promoted by itself to 100 %, and its answers are delivered', async () => {
  const prompt = 'Is a good canary right?';
  answers(prompt, 'This is right too.');
  await start(canary('good-model'));
  const ids = await postUntilDecided('good-model', prompt, async () => undefined);
  const jobs = await allEnded(ids);

  expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']));
  const ofCanary = jobs.filter(({ result }) => result?.model === CANDIDATE);
  expect(ofCanary.length).toBeGreaterThanOrEqual(60);
  const view = await experiment('good-model');
  expect(view).toMatchObject({ status: 'promoted', held_jobs: 0, rerun_jobs: 0, shares: { stable: 0, canary: 1 } });
  const page = await fetch(`${fleet.url('console')}/experiments/good-model`, {
    headers: { authorization: `Basic ${Buffer.from(`upshift:${CONSOLE_PASSWORD}`).toString('base64')}` },
  });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<h2 id="words-title">What can be concluded</h2>');
  const changes = ['experiment.started', 'experiment.step_passed', 'experiment.promoted'];
  expect(view.history.map(({ event }) => event)).toEqual(changes);
  await vi.waitFor(
    () =>
      expect(
        told()
          .filter(({ id }) => id === 'good-model')
          .map(({ type }) => type),
      ).toEqual(changes),
    20_000,
  );
  await vi.waitFor(async () => {
    const job = await fleet.api.run({ input: { prompt }, route: 'watched', task: 'classification' });
    expect(job.result?.model).toBe(CANDIDATE);
    expect(eventsOf(await fleet.api.trail(job.id))).not.toContain('job-held');
  }, 20_000);
}, 180_000);

test('what a job of a canary has answered is not shown while it is held, and its deadline is met by the stable arm', async () => {
  const prompt = 'Is there time?';
  answers(prompt, 'This is late.');
  await call('POST', '/v1/experiments/good-model/abort');
  await start({ ...canary('slow-proof'), steps: [99.9, 100], min_samples: 1000 });
  const deadline = new Date(Date.now() + 12_000).toISOString();
  const posted = await vi.waitFor(async () => {
    const { body } = await fleet.api.post({ input: { prompt }, route: 'watched', task: 'classification', limits: { deadline } });
    expect((await fleet.api.trail(body.id)).map(({ reason }) => reason).join()).toContain('slow-proof: canary');
    return body;
  }, 10_000);
  await vi.waitFor(async () => expect(eventsOf(await fleet.api.trail(posted.id))).toContain('job-held'), 10_000);
  expect(await fleet.api.job(posted.id)).toMatchObject({ status: 'in_progress', result: null, completed_at: null });
  const job = await fleet.api.until(posted.id, hasEnded, 30_000);
  expect(job).toMatchObject({ status: 'completed', result: { text: 'This is right.', degraded: false } });
  expect(Date.parse(job.completed_at!)).toBeLessThan(Date.parse(deadline));
  await call('POST', '/v1/experiments/slow-proof/abort');
}, 90_000);

test('the arm of a tenant stays the same over restarts, and a pinned job has none', async () => {
  await start({
    name: 'sticky',
    kind: 'ab',
    route: 'plain',
    unit: 'tenant',
    arms: [
      { name: 'one', share: 0.5 },
      { name: 'two', share: 0.5, overrides: { prompt_prefix: 'Think. ' } },
    ],
  });
  const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
  const arms = async (): Promise<string[]> => {
    const ids = await Promise.all(tenants.map((tenant) => post('Which arm?', 'plain', { tenant })));
    await allEnded(ids);
    const trails = await Promise.all(ids.map((id) => fleet.api.trail(id)));
    return trails.map((trail) => trail.find(({ event }) => event === 'arm-assigned')?.reason ?? 'none');
  };
  const before = await vi.waitFor(async () => {
    const found = await arms();
    expect(found).not.toContain('none');
    return found;
  }, 20_000);
  expect(new Set(before)).toEqual(new Set(['sticky: one, with probability 0.5', 'sticky: two, with probability 0.5']));
  await fleet.stop(...programs);
  await fleet.redis.stop();
  await fleet.redis.start();
  await fleet.start(...programs);
  expect(await arms()).toEqual(before);
  const pinned = await fleet.api.run({
    input: { prompt: 'Which arm?' },
    route: 'plain',
    model: STABLE,
    metadata: { tenant: 'tenant-1' },
  });
  expect(eventsOf(await fleet.api.trail(pinned.id))).not.toContain('arm-assigned');
  await vi.waitFor(
    async () => expect((await experiment('sticky')).arms.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(40),
    20_000,
  );
}, 90_000);

test('a document that does not fit, or stands in another’s way, is refused with the names', async () => {
  const other = { ...canary('late-comer'), route: 'plain', hold: false, guardrails: [{ metric: 'score', absolute: 0.1 }] };
  const arms = [{ name: 'stable' }, { name: 'canary', overrides: { prompt_prefix: 'Think twice. ' } }];
  expect(await call('POST', '/v1/experiments', { ...other, arms })).toMatchObject({
    status: 409,
    body: {
      code: 'experiment_conflict',
      detail: expect.stringContaining('late-comer and sticky would both override prompt_prefix on route plain'),
    },
  });
  expect(await call('POST', '/v1/experiments', { ...other, route: 'nowhere' })).toMatchObject({
    status: 422,
    body: { code: 'invalid_experiment' },
  });
  expect(await call('POST', '/v1/experiments', { ...canary('bad-model') })).toMatchObject({
    status: 409,
    body: { code: 'experiment_exists' },
  });
  expect(await call('POST', '/v1/experiments/bad-model/resume')).toMatchObject({
    status: 409,
    body: { code: 'experiment_state' },
  });
});

test('a change of configuration on which an experiment depends is recorded as its end', async () => {
  await fleet.configure((config) => {
    config.routes['plain'] = { strategy: 'rules', fallback: [] };
  });
  await fleet.stop('steward');
  await fleet.start('steward');
  await vi.waitFor(
    async () =>
      expect(await experiment('sticky')).toMatchObject({
        status: 'ended',
        reason: 'the configuration has changed: route plain',
        shares: {},
      }),
    20_000,
  );
});
