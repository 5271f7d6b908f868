import type { ExperimentView, JobView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

const CANDIDATE = 'openai/candidate';
const STABLE = 'openai/gpt-6-luna';
const TOLD_WITHIN_MS = 20_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    configure: (config) => {
      config.models[CANDIDATE] = { ...config.models[STABLE]!, on_trial: true };
      const checks = [{ type: 'contains' as const, values: ['right'] }];
      config.routes['seen'] = { strategy: 'rules', fallback: [STABLE] };
      config.routes['busy'] = { strategy: 'rules', fallback: [STABLE] };
      config.routes['learnt'] = { strategy: 'rules', checks, fallback: [STABLE] };
      config.routes['changed'] = { strategy: 'classifier', fallback: [STABLE] };
      config.routes['broken'] = { strategy: 'rules', fallback: [STABLE] };
    },
  });
});
afterAll(() => fleet?.close());

async function call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${fleet.url('intake')}${path}`, { method, ...init });
  return (await response.json()) as Body;
}

const experiment = (name: string): Promise<ExperimentView> => call('GET', `/v1/experiments/${name}`);

async function start(document: Record<string, unknown>): Promise<void> {
  expect(await call('POST', '/v1/experiments', document)).toMatchObject({ status: 'running' });
}

function answers(prompt: string, ofCandidate: string): void {
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'This is right.', latency_ms: 20 });
  fleet.sandbox.book.add({ model: CANDIDATE, key: bookKey(prompt), answer: ofCandidate, latency_ms: 20 });
}

async function post(prompt: string, route: string): Promise<string> {
  const { status, body } = await fleet.api.post({ input: { prompt }, route, task: 'classification' });
  expect(status).toBe(202);
  return body.id;
}

async function run(prompts: string[], route: string): Promise<JobView[]> {
  const ids = await Promise.all(prompts.map((prompt) => post(prompt, route)));
  return Promise.all(ids.map((id) => fleet.api.until(id, hasEnded, 30_000)));
}

/** Jobs once intake knows of an experiment. */
async function runWithArms(prompts: string[], route: string): Promise<JobView[]> {
  return vi.waitFor(async () => {
    const jobs = await run(prompts, route);
    const trails = await Promise.all(jobs.map(({ id }) => fleet.api.trail(id)));
    for (const trail of trails) expect(eventsOf(trail)).toContain('arm-assigned');
    return jobs;
  }, TOLD_WITHIN_MS);
}

/** Until the evaluator has counted jobs that were given arms: how many batches it takes must not hang on how fast they are. */
async function untilCounted(name: string, assigned: number): Promise<void> {
  await vi.waitFor(async () => {
    const { status, arms } = await experiment(name);
    const counted = arms.reduce((sum, { jobs }) => sum + jobs, 0);
    expect(status === 'running' ? counted : assigned).toBe(assigned);
  }, TOLD_WITHIN_MS);
}

/** What a client sees of a job, and how it came to that, without ids and times. */
async function story(job: JobView): Promise<unknown> {
  const { status, result, attempts, escalations, failovers, fallbacks, cost_usd: cost, usage, reasons } = job;
  const trail = (await fleet.api.trail(job.id)).filter(({ event }) => event !== 'arm-assigned');
  const events = trail.map(({ event, model, score, cost_usd: costUsd }) => ({ event, model, score, costUsd }));
  return { status, result, attempts, escalations, failovers, fallbacks, cost, usage, reasons, events };
}

test('with a shadow every job has the same answer, cost and story as without, and the shadow is judged blind', async () => {
  const prompts = Array.from({ length: 12 }, (_, index) => `Is shadow ${index} seen?`);
  for (const prompt of prompts) answers(prompt, 'This is the candidate.');
  const without = await Promise.all((await run(prompts, 'seen')).map(story));
  await start({
    name: 'shadowed',
    kind: 'shadow',
    route: 'seen',
    share: 1,
    budget_usd: 1,
    judge: { rubric: 'Which one is shorter?' },
    arms: [{ name: 'candidate', overrides: { models: { economy: [CANDIDATE] } } }],
  });
  const jobs = await runWithArms(prompts, 'seen');
  expect(await Promise.all(jobs.map(story))).toEqual(without);

  const view = await vi.waitFor(async () => {
    const found = await experiment('shadowed');
    const [delivered, candidate] = found.arms;
    expect(found.shadow).toMatchObject({ waiting_jobs: 0, skipped_jobs: 0 });
    expect(candidate?.jobs).toBe(delivered?.jobs);
    expect(found.preferences!.candidate + found.preferences!.delivered).toBe(delivered?.jobs);
    return found;
  }, 60_000);
  expect(view.arms.map(({ arm }) => arm)).toEqual(['delivered', 'candidate']);
  expect(view.words.at(-1)).toMatch(/^The judge, blind, found the candidate better \d+ times/);
  const [followed] = jobs;
  const shadows = await call<{ data: JobView[] }>('GET', `/v1/jobs?metadata.upshift_shadow_of=${followed!.id}`);
  expect(shadows.data).toMatchObject([{ result: { text: 'This is the candidate.', model: CANDIDATE } }]);
  expect(Date.parse(shadows.data[0]!.created_at)).toBeGreaterThanOrEqual(Date.parse(followed!.completed_at!));
  const listed = await call<{ data: JobView[] }>('GET', '/v1/jobs?route=seen&limit=100');
  expect(listed.data.filter(({ result }) => result?.model === CANDIDATE)).toEqual([]);
}, 120_000);

test('real jobs do not wait for shadows that hang in the queue of the same model', async () => {
  const [hung, quick] = ['Does it hang?', 'Is it quick?'];
  for (const prompt of [hung, quick]) answers(prompt, 'not asked');
  fleet.sandbox.book.add({ model: '*', key: bookKey(`Slowly: ${hung}`), answer: 'At last.', latency_ms: 100_000 });
  await start({
    name: 'hanging',
    kind: 'shadow',
    route: 'busy',
    share: 1,
    budget_usd: 1,
    arms: [{ name: 'slow', overrides: { prompt_prefix: 'Slowly: ' } }],
  });
  await runWithArms(Array<string>(8).fill(hung), 'busy');
  const hanging = (): number =>
    fleet.sandbox.ledger.generations.filter(({ key, outcome }) => key === bookKey(`Slowly: ${hung}`) && outcome === 'in_flight')
      .length;
  await vi.waitFor(() => expect(hanging()).toBe(4), TOLD_WITHIN_MS);
  const jobs = await run(Array<string>(40).fill(quick), 'busy');
  expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']));
  expect(hanging()).toBe(4);
  await call('POST', '/v1/experiments/hanging/abort');
}, 120_000);

test('adaptive arms: the better one gets more and more jobs, every job has its probability, and a killed steward forgets nothing', async () => {
  const prompt = 'Which arm learns?';
  answers(prompt, 'This is wrong.');
  await start({
    name: 'learning',
    kind: 'adaptive',
    route: 'learnt',
    floor: 0.1,
    arms: [{ name: 'good' }, { name: 'bad', overrides: { models: { economy: [CANDIDATE] } } }],
  });
  const probabilities = new Set<number>();
  const counts: Record<string, number> = { good: 0, bad: 0 };
  for (let batches = 0; ; batches += 1) {
    const jobs = await run(Array<string>(20).fill(prompt), 'learnt');
    expect(jobs.filter(({ result }) => result?.text !== 'This is right.')).toEqual([]);
    for (const trail of await Promise.all(jobs.map(({ id }) => fleet.api.trail(id)))) {
      const reason = trail.find(({ event }) => event === 'arm-assigned')?.reason ?? '';
      const [, arm, probability] = /^learning: (good|bad), with probability ([\d.]+)$/.exec(reason) ?? [];
      // Before intake had heard of it.
      if (arm === undefined) continue;
      counts[arm]! += 1;
      probabilities.add(Number(probability));
    }
    if (batches === 1) {
      await fleet.kill('steward');
      await fleet.start('steward');
    }
    await untilCounted('learning', counts['good']! + counts['bad']!);
    const { shares } = await experiment('learning');
    if (shares['good']! > 0.85 && batches >= 4) break;
    expect(batches).toBeLessThan(20);
  }
  const view = await vi.waitFor(async () => {
    const found = await experiment('learning');
    expect(Object.fromEntries(found.arms.map(({ arm, jobs }) => [arm, jobs]))).toEqual(counts);
    return found;
  }, TOLD_WITHIN_MS);
  expect(probabilities.size).toBeGreaterThan(2);
  expect(Math.min(...probabilities)).toBeGreaterThanOrEqual(0.1 - 1e-9);
  expect(view.shares['bad']).toBeGreaterThanOrEqual(0.1 - 1e-9);
  const bad = view.arms.find(({ arm }) => arm === 'bad')!;
  expect(bad).toMatchObject({ accepted_jobs: 0, fallback_jobs: bad.jobs });
  expect(view.words.join(' ')).toContain('pass_rate is weighted by how probable each arm was');
}, 180_000);

test('an arm has another prompt, classifier and scorer than the rest', async () => {
  const prompt = 'Prove that the sum of two even numbers is even, step by step.';
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'Plainly so.' });
  fleet.sandbox.book.add({ model: '*', key: bookKey(`Briefly: ${prompt}`), answer: 'In brief, so.' });
  await start({
    name: 'versions',
    kind: 'ab',
    route: 'changed',
    unit: 'metadata.reader',
    arms: [
      { name: 'plain', share: 0.5 },
      { name: 'other', share: 0.5, overrides: { prompt_prefix: 'Briefly: ', classifier: 'rules', scorer: 'checks' } },
    ],
  });
  const stories = await vi.waitFor(async () => {
    const ids = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const body = { input: { prompt }, route: 'changed', metadata: { reader: `reader-${index}` } };
        return (await fleet.api.post(body)).body.id;
      }),
    );
    const jobs = await Promise.all(ids.map((id) => fleet.api.until(id, hasEnded)));
    const trails = await Promise.all(ids.map((id) => fleet.api.trail(id)));
    return jobs.map((job, index) => {
      const trail = trails[index]!;
      const arm = /^versions: (\w+)/.exec(trail.find(({ event }) => event === 'arm-assigned')?.reason ?? '')?.[1];
      expect(arm).toBeDefined();
      const classified = trail.find(({ event }) => event === 'job-classified')!;
      const checks = trail.find(({ event }) => event === 'answer-judged')!.checks!.map(({ type }) => type);
      return { arm, text: job.result?.text, reason: classified.reason, isTrained: checks.includes('trained') };
    });
  }, TOLD_WITHIN_MS);
  const [plain, other] = ['plain', 'other'].map((name) => stories.filter(({ arm }) => arm === name));
  expect(plain!.length * other!.length).toBeGreaterThan(0);
  for (const { text, isTrained } of plain!) expect({ text, isTrained }).toEqual({ text: 'Plainly so.', isTrained: true });
  for (const { text, isTrained } of other!) expect({ text, isTrained }).toEqual({ text: 'In brief, so.', isTrained: false });
  expect(new Set([...plain!, ...other!].map(({ reason }) => reason)).size).toBe(2);
}, 60_000);

test('a canary whose model is out of order is rolled back, although other models answer its jobs', async () => {
  const prompt = 'Is it out of order?';
  answers(prompt, 'never said');
  fleet.sandbox.faults.prepend({ model: CANDIDATE, match: prompt, kind: 'server_error' });
  await start({
    name: 'broken-model',
    kind: 'canary',
    route: 'broken',
    arms: [{ name: 'stable' }, { name: 'canary', overrides: { models: { economy: [CANDIDATE] } } }],
    guardrails: [
      { metric: 'pass_rate', absolute: 0.02 },
      { metric: 'error_rate', absolute: 0.02 },
    ],
    steps: [50, 100],
    min_samples: 1000,
  });
  let assigned = 0;
  for (let batches = 0; (await experiment('broken-model')).status === 'running'; batches += 1) {
    const jobs = await run(Array<string>(20).fill(prompt), 'broken');
    expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']));
    const trails = await Promise.all(jobs.map(({ id }) => fleet.api.trail(id)));
    assigned += trails.filter((trail) => eventsOf(trail).includes('arm-assigned')).length;
    await untilCounted('broken-model', assigned);
    expect(batches).toBeLessThan(20);
  }
  const view = await experiment('broken-model');
  expect(view.status).toBe('rolled_back');
  expect(view.reason).toMatch(/^error_rate is 1 of \d+ jobs on the canary and 0 of \d+ jobs on stable/);
}, 90_000);
