import type { Experiment, ProblemError } from '@upshift/contracts';
import {
  accept,
  advance,
  commandExperimentByName,
  configOf,
  createExperiment,
  createWebhook,
  evaluateExperiments,
  experimentViewOf,
  queueOf,
  readQueues,
  readStuck,
  readTrail,
  reconcile,
} from '@upshift/queues';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { outcome } from '../eval-experiments/outcome.ts';
import { answered, exampleConfig, exampleModel, failed, HIGH, judged, requestOf, sent } from '../routing/example.ts';
import {
  anotherWithTrial,
  carry,
  documentOf,
  freshWithTrial,
  NEW,
  overrides,
  recordOf,
  request,
  start,
} from './experiments-setting.ts';
import { anotherPipeline, closeOpened } from './bed.ts';
import { simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const DAY_MS = 24 * 3_600_000;
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshWithTrial();
});
afterEach(() => void vi.useRealTimers());

function canary(changes: Record<string, unknown> = {}): Experiment {
  return documentOf({
    kind: 'canary',
    name: 'new-model',
    arms: [{ name: 'stable' }, { name: 'canary', overrides }],
    guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
    steps: [50, 100],
    min_samples: 1,
    min_seconds: 0,
    hold: true,
    webhook: 'watcher',
    ...changes,
  });
}

/** Accepts jobs until each arm has so many, and answers them all; the canary's well or not at all. */
async function answerJobs(
  on: TestPipeline,
  each: number,
  canaryIsGood: boolean,
  asked = request,
): Promise<{ stable: string[]; canary: string[] }> {
  const jobs: { stable: string[]; canary: string[] } = { stable: [], canary: [] };
  while (jobs.stable.length < each || jobs.canary.length < each) {
    const { id } = await accept(on, asked, null);
    const arm = (await stateOf(on, id)).experiments!.arms[0]!.arm as 'stable' | 'canary';
    if (jobs[arm].length === each) {
      await advance(on, id, { type: 'cancelled' });
      continue;
    }
    jobs[arm].push(id);
    const good = arm === 'stable' || canaryIsGood;
    await carry(on, id, simple, sent(1), ...(good ? [answered(1), judged(1, 1)] : [failed(1, 'invalid_request')]));
  }
  return jobs;
}

async function eventsOf(on: TestPipeline, id: string): Promise<string[]> {
  return (await readTrail(on, id)).map(({ event }) => event);
}

async function tidings(on: TestPipeline): Promise<string[]> {
  const entries = await queueOf(on, 'deliver').getJobs(['waiting', 'prioritized', 'delayed']);
  return entries
    .map(({ name }) => name)
    .filter((name) => name.startsWith('experiment.'))
    .toSorted();
}

/** Every command from the n-th on is lost, as if the process had been killed there. Gives how many were sent. */
function dyingAfter(on: TestPipeline, commands: number): () => number {
  let sentCommands = 0;
  const send = on.redis.sendCommand.bind(on.redis);
  on.redis.sendCommand = (...args) => {
    sentCommands += 1;
    return sentCommands > commands ? Promise.reject(new Error('killed')) : send(...args);
  };
  return () => sentCommands;
}

test('what only an arm on trial could do is refused in each arm, and accepted once that is promoted', async () => {
  const seeing = exampleConfig((file) => {
    file.models[NEW] = exampleModel('economy', 0.5, { on_trial: true, capabilities: ['vision'] });
    file.models[HIGH]!['capabilities'] = ['tools'];
  });
  pipeline = await anotherPipeline(seeing);
  await start(pipeline, canary());
  const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } } as const;
  const asked = requestOf({ input: { messages: [{ role: 'user', content: [image] }] } });
  const refusals = await Promise.allSettled(Array.from({ length: 20 }, () => accept(pipeline, asked, null)));
  expect(new Set(refusals.map((one) => one.status === 'rejected' && (one.reason as ProblemError).code))).toEqual(
    new Set(['no_capable_model']),
  );
  await commandExperimentByName(pipeline, 'new-model', 'promote', null);
  const promoted = await anotherPipeline(seeing);
  const { id } = await accept(promoted, asked, null);
  await carry(promoted, id, simple);
  expect((await stateOf(promoted, id)).attempts).toMatchObject([{ model: NEW }]);
});

describe('an evaluator may die before any of its commands, and the next one', () => {
  async function forEachDeath(work: (command: number) => Promise<number>): Promise<void> {
    let command = 0;
    while ((await work(command)) > command) command += 1;
    expect(command).toBeGreaterThan(10);
  }

  test('releases every held answer of a good canary once, and tells of it', { timeout: 120_000 }, async () => {
    await forEachDeath(async (command) => {
      pipeline = await freshWithTrial();
      await start(pipeline, canary());
      const jobs = await answerJobs(pipeline, 3, true);
      const dying = await anotherWithTrial();
      const count = dyingAfter(dying, command);
      await evaluateExperiments(dying).catch(() => undefined);
      await evaluateExperiments(pipeline);
      for (const id of jobs.canary) {
        const events = await eventsOf(pipeline, id);
        expect(events.filter((event) => ['job-released', 'job-completed'].includes(event))).toEqual([
          'job-released',
          'job-completed',
        ]);
        expect((await stateOf(pipeline, id)).attempts).toMatchObject([{ model: NEW }]);
      }
      const record = await recordOf(pipeline, 'new-model');
      expect(record).toMatchObject({ state: { status: 'promoted' }, pending: [] });
      expect(record.tallies).toMatchObject({ stable: { jobs: 3 }, canary: { jobs: 3, acceptedJobs: 3 } });
      expect(record.history.map(({ event }) => event)).toEqual(['experiment.started', 'experiment.promoted']);
      expect(await tidings(pipeline)).toEqual(['experiment.promoted', 'experiment.started']);
      const sentCommands = count();
      await closeOpened();
      return sentCommands;
    });
  });

  test(
    'has every held job of a bad canary answered anew once, and none of its answers goes out',
    { timeout: 120_000 },
    async () => {
      await forEachDeath(async (command) => {
        pipeline = await freshWithTrial();
        await start(pipeline, canary());
        const jobs = await answerJobs(pipeline, 8, false);
        const dying = await anotherWithTrial();
        const count = dyingAfter(dying, command);
        await evaluateExperiments(dying).catch(() => undefined);
        await evaluateExperiments(pipeline);
        expect(await recordOf(pipeline, 'new-model')).toMatchObject({ state: { status: 'rolled_back' }, pending: [] });
        for (const id of jobs.canary) {
          await carry(pipeline, id, simple, sent(2), answered(2), judged(2, 1));
          const events = await eventsOf(pipeline, id);
          expect(events.filter((event) => ['job-held', 'job-rerun', 'job-completed', 'job-failed'].includes(event))).toEqual([
            'job-held',
            'job-rerun',
            'job-completed',
          ]);
          expect(await stateOf(pipeline, id)).toMatchObject({
            finalAttempt: 2,
            attempts: [{ model: NEW }, { model: 'openai/low' }],
          });
        }
        expect(await tidings(pipeline)).toEqual(['experiment.rolled_back', 'experiment.started']);
        const sentCommands = count();
        await closeOpened();
        return sentCommands;
      });
    },
  );
});

describe('a canary that holds', () => {
  test('leaves no job waiting that ends long after it was rolled back', async () => {
    await start(pipeline, canary());
    const jobs = await answerJobs(pipeline, 8, false);
    const late = await lateJob();
    await evaluateExperiments(pipeline);
    vi.useFakeTimers({ now: Date.now() + 2 * DAY_MS, toFake: ['Date'] });
    await evaluateExperiments(pipeline);
    await carry(pipeline, late, simple, sent(1), answered(1), judged(1, 1));
    expect((await stateOf(pipeline, late)).experiments?.held).not.toBeNull();
    await evaluateExperiments(pipeline);
    expect(await eventsOf(pipeline, late)).toContain('job-rerun');
    expect((await recordOf(pipeline, 'new-model')).rerunJobs).toBe(jobs.canary.length + 1);
  });

  /** A job of the canary that waits in its queue. */
  async function lateJob(): Promise<string> {
    for (;;) {
      const { id } = await accept(pipeline, request, null);
      if ((await stateOf(pipeline, id)).experiments?.holdFor) return id;
      await advance(pipeline, id, { type: 'cancelled' });
    }
  }

  test('is read no more once it has ended long ago and has no job left, and only then', async () => {
    await start(pipeline, canary());
    const late = await lateJob();
    await commandExperimentByName(pipeline, 'new-model', 'abort', null);
    vi.useFakeTimers({ now: Date.now() + 2 * DAY_MS, toFake: ['Date'] });
    expect(await evaluateExperiments(pipeline)).toBe(1);
    await advance(pipeline, late, { type: 'cancelled' });
    await evaluateExperiments(pipeline);
    const reads = [vi.spyOn(pipeline.redis, 'hmget'), vi.spyOn(pipeline.redis, 'hvals')];
    expect(await evaluateExperiments(pipeline)).toBe(0);
    for (const read of reads) expect(read).not.toHaveBeenCalled();
    expect(await recordOf(pipeline, 'new-model')).toMatchObject({ state: { status: 'aborted' }, pending: [] });
  });

  test('counts a job that it did not answer before its deadline came near as failed', async () => {
    await start(pipeline, canary({ steps: [99.9, 100], min_samples: 1000 }));
    const limits = { deadline: new Date(Date.now() + 8000).toISOString() };
    const { id } = await accept(pipeline, requestOf({ input: { prompt: 'Why?' }, limits }), null);
    await carry(pipeline, id, simple, sent(1));
    await evaluateExperiments(pipeline);
    expect(await eventsOf(pipeline, id)).not.toContain('job-rerun');
    vi.useFakeTimers({ now: Date.now() + 4500, toFake: ['Date'] });
    await evaluateExperiments(pipeline);
    expect(await stateOf(pipeline, id)).toMatchObject({ step: { kind: 'classify' }, experiments: { arms: [], holdFor: null } });
    await evaluateExperiments(pipeline);
    expect((await recordOf(pipeline, 'new-model')).tallies['canary']).toMatchObject({
      jobs: 1,
      acceptedJobs: 0,
      guardrails: [{ count: 1, sum: 0 }],
    });
  });

  test('that was taken back gives up what it is still answering before the deadline of that, however late', async () => {
    await start(pipeline, canary({ steps: [99.9, 100], min_samples: 1000 }));
    const limits = { deadline: new Date(Date.now() + 3 * DAY_MS).toISOString() };
    const { id } = await accept(pipeline, requestOf({ input: { prompt: 'Why?' }, limits }), null);
    await carry(pipeline, id, simple, sent(1));
    await commandExperimentByName(pipeline, 'new-model', 'abort', null);
    await evaluateExperiments(pipeline);
    expect(await stateOf(pipeline, id)).toMatchObject({ step: { kind: 'call' }, experiments: { holdFor: 'new-model' } });
    vi.useFakeTimers({ now: Date.now() + 3 * DAY_MS - 4000, toFake: ['Date'] });
    await evaluateExperiments(pipeline);
    expect(await stateOf(pipeline, id)).toMatchObject({ step: { kind: 'classify' }, experiments: { arms: [], holdFor: null } });
  });

  test('has answers that wait for long, and they are not stuck', async () => {
    await start(pipeline, canary({ min_samples: 1000 }));
    await answerJobs(pipeline, 1, true);
    vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] });
    expect((await readStuck(pipeline, await readQueues(pipeline))).jobs).toEqual([]);
    expect(await reconcile(pipeline, 60_000)).toBe(0);
    expect((await experimentViewOf(pipeline, await recordOf(pipeline, 'new-model'))).held_jobs).toBe(1);
  });

  test('gives back a job with the arms of others that were promoted, which stay in force', async () => {
    const prompt = { kind: 'canary', name: 'prompt', hold: false, webhook: undefined };
    await createExperiment(
      pipeline,
      canary({ ...prompt, arms: [{ name: 'stable' }, { name: 'v2', overrides: { system_prompt: 'In JSON.' } }] }),
    );
    await commandExperimentByName(pipeline, 'prompt', 'promote', null);
    await start(pipeline, canary({ steps: [99.9, 100], min_samples: 1000 }));
    const id = await lateJob();
    await carry(pipeline, id, simple, sent(1), answered(1), judged(1, 1));
    await commandExperimentByName(pipeline, 'new-model', 'abort', null);
    await evaluateExperiments(pipeline);
    const { configVersion, experiments } = await stateOf(pipeline, id);
    expect(experiments).toMatchObject({ arms: [], holdFor: null });
    const { system_prompt, models } = (await configOf(pipeline, configVersion)).routes['default']!;
    expect({ system_prompt, models }).toEqual({ system_prompt: 'In JSON.', models: undefined });
  });

  test('that was promoted releases what is still held when its end is recorded', async () => {
    await start(pipeline, canary({ min_samples: 1000 }));
    const jobs = await answerJobs(pipeline, 1, true);
    await commandExperimentByName(pipeline, 'new-model', 'promote', null);
    const changed = await anotherPipeline(
      exampleConfig((file) => {
        file.models[NEW] = exampleModel('economy', 0.5);
      }),
    );
    await evaluateExperiments(changed);
    expect((await recordOf(pipeline, 'new-model')).state).toMatchObject({
      status: 'ended',
      reason: `the configuration has changed: model ${NEW}`,
    });
    expect(await eventsOf(pipeline, jobs.canary[0]!)).toContain('job-released');
  });
});

test('the endpoint is told of every change, also of two of the same kind that wait to be told', async () => {
  await start(pipeline, canary({ steps: [50, 60, 70, 100], hold: false }));
  const evaluateUntold = async (): Promise<void> => {
    const untold = await anotherWithTrial();
    const send = untold.redis.sendCommand.bind(untold.redis);
    // Dies as soon as the decision is written.
    let written = false;
    untold.redis.sendCommand = (...args) => {
      if (written) return Promise.reject(new Error('killed'));
      written = args[0].name === 'eval';
      return send(...args);
    };
    await evaluateExperiments(untold).catch(() => undefined);
  };
  await answerJobs(pipeline, 2, true);
  await evaluateUntold();
  await answerJobs(pipeline, 2, true);
  await evaluateUntold();
  expect((await recordOf(pipeline, 'new-model')).pending).toHaveLength(5);
  await evaluateExperiments(pipeline);
  expect(await tidings(pipeline)).toEqual(['experiment.started', 'experiment.step_passed', 'experiment.step_passed']);
});

test('a plot that is thinned keeps its first point and its newest', async () => {
  await start(pipeline, canary({ min_samples: 1000 }));
  const told = { arms: [{ experiment: 'new-model', arm: 'canary', probability: 0.5 }], shadowOf: null };
  for (let count = 1; count <= 61; count += 1) {
    const text = JSON.stringify({ ...told, job: `job_${count}`, observation: outcome(true) });
    await pipeline.redis.xadd('{upshift-0}:outcomes', '*', 'outcome', text);
    await evaluateExperiments(pipeline);
  }
  const { series } = await recordOf(pipeline, 'new-model');
  const jobsAt = series.map(({ metrics }) => metrics['pass_rate']?.['canary']?.jobs);
  expect(jobsAt).toHaveLength(31);
  expect([jobsAt[0], jobsAt.at(-1)]).toEqual([1, 61]);
});

test('an evaluator that another one has overtaken counts no job a second time', async () => {
  await start(pipeline, canary({ min_samples: 100 }));
  await answerJobs(pipeline, 3, true);
  const other = await anotherWithTrial();
  const { redis } = pipeline;
  const read = redis.xrange.bind(redis) as (...args: unknown[]) => Promise<unknown>;
  const overtaken = async (...args: unknown[]): Promise<unknown> => {
    const outcomes = await read(...args);
    redis.xrange = read as typeof redis.xrange;
    await evaluateExperiments(other);
    return outcomes;
  };
  redis.xrange = overtaken as typeof redis.xrange;
  await evaluateExperiments(pipeline);
  const { tallies } = await recordOf(pipeline, 'new-model');
  expect(Object.values(tallies).map(({ jobs }) => jobs)).toEqual([3, 3]);
});

test('of two experiments that stand in each other’s way only one begins, and jobs are accepted when it has ended', async () => {
  await createWebhook(pipeline, { name: 'watcher', url: 'https://example.com/', payload: 'thin' });
  const made = await Promise.allSettled(['one', 'two'].map((name) => createExperiment(pipeline, canary({ name }))));
  expect(made.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const begun = made[0]!.status === 'fulfilled' ? 'one' : 'two';
  await commandExperimentByName(pipeline, begun, 'abort', null);
  const { id } = await accept(await anotherWithTrial(), request, null);
  expect((await stateOf(pipeline, id)).experiments).toBeNull();
});
