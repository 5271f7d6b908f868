import type { Experiment, JobEvent } from '@upshift/contracts';
import {
  accept,
  advance,
  commandExperimentByName,
  configOf,
  createExperiment,
  evaluateExperiments,
  experimentViewOf,
  listJobs,
  minuteOf,
  queueOf,
  readStats,
} from '@upshift/queues';
import { beforeEach, expect, test, vi } from 'vitest';

import { keepAudit } from '../../packages/queues/src/experiments/audits.ts';
import { changeExperiment } from '../../packages/queues/src/experiments/store.ts';
import { outcome } from '../eval-experiments/outcome.ts';
import { answered, classified, exampleConfig, failed, judged, requestOf, sent } from '../routing/example.ts';
import {
  anotherWithTrial,
  carry,
  documentOf,
  freshWithTrial,
  overrides,
  recordOf,
  request,
  start,
} from './experiments-setting.ts';
import { anotherPipeline } from './bed.ts';
import { labelsIn, simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshWithTrial();
});

function shadow(changes: Record<string, unknown> = {}): Experiment {
  const judge = { rubric: 'Which is shorter?' };
  const arms = [{ name: 'candidate', overrides }];
  return documentOf({ kind: 'shadow', name: 'seen', arms, share: 1, budget_usd: 1, judge, ...changes });
}

async function completed(): Promise<string> {
  const { id } = await accept(pipeline, request, null);
  await carry(pipeline, id, simple, sent(1), answered(1), judged(1, 1));
  return id;
}

const shadowsOf = async (): Promise<string[]> =>
  (await listJobs(pipeline, { metadata: { upshift_experiment: 'seen' } }, { limit: 100 })).ids;

test('a shadow has few answers under way at once, begins the next when one has ended, and forgets none', async () => {
  await start(pipeline, shadow());
  for (let count = 0; count < 9; count += 1) await completed();
  await evaluateExperiments(pipeline);
  await evaluateExperiments(pipeline);
  const first = await shadowsOf();
  expect(first).toHaveLength(4);
  for (const id of first) await carry(pipeline, id, simple, sent(1), answered(1), judged(1, 1));
  await evaluateExperiments(pipeline);
  // Four more answers; of the first four the comparisons fail to begin, because no answer was stored.
  expect(await shadowsOf()).toHaveLength(8);
  expect((await experimentViewOf(pipeline, await recordOf(pipeline, 'seen'))).shadow).toMatchObject({
    waiting_jobs: 1,
    skipped_jobs: 0,
  });
});

test('a shadow stands in no list, no count and no backlog of real jobs, and waits behind them', async () => {
  await start(pipeline, shadow());
  const real = await completed();
  await evaluateExperiments(pipeline);
  const waiting = (await accept(pipeline, requestOf({ input: { prompt: 'Why?' }, priority: 'low' }), null)).id;
  const [shadowJob] = await shadowsOf();
  expect((await listJobs(pipeline, {}, { limit: 100 })).ids).toEqual([waiting, real]);
  expect((await listJobs(pipeline, { route: 'default' }, { limit: 100 })).ids).toEqual([waiting, real]);
  const entries = await queueOf(pipeline, 'classify').getJobs(['prioritized'], 0, -1, true);
  expect(entries.map(({ data }) => (data as { job: string }).job)).toEqual([real, waiting, shadowJob]);
  const almostFull = await anotherPipeline(exampleConfig((file) => Object.assign(file, { intake: { max_backlog: 2 } })));
  const last = (await accept(almostFull, requestOf({ input: { prompt: 'Why?' } }), null)).id;
  await expect(accept(almostFull, requestOf({ input: { prompt: 'Why?' } }), null)).rejects.toMatchObject({
    code: 'backlog_full',
  });
  await advance(pipeline, last, { type: 'cancelled' });
  await carry(pipeline, shadowJob!, simple, sent(1), answered(1), judged(1, 1));
  const minute = minuteOf(Date.now());
  const stats = await readStats(pipeline, minute - 1, minute);
  const sum = (of: (one: (typeof stats)[number]) => number): number => stats.reduce((total, one) => total + of(one), 0);
  expect(sum(({ accepted }) => accepted)).toBe(3);
  expect(sum(({ ended }) => ended.completed)).toBe(1);
  const [ofReal, ofShadow] = (await Promise.all([real, shadowJob!].map((id) => stateOf(pipeline, id)))).map(
    ({ attempts }) => attempts[0]!.costNanoUsd!,
  );
  expect(sum(({ costNanoUsd }) => costNanoUsd)).toBe(ofReal! + ofShadow!);
  expect(sum(({ besideNanoUsd }) => besideNanoUsd)).toBe(ofShadow);
});

test('a candidate differs from what was delivered in its own arm alone: what others have promoted holds for both', async () => {
  const arms = [{ name: 'stable' }, { name: 'v2', overrides: { system_prompt: 'In JSON.' } }];
  const guardrails = [{ metric: 'pass_rate', absolute: 0.02 }];
  await createExperiment(pipeline, documentOf({ kind: 'canary', name: 'prompt', arms, guardrails }));
  await commandExperimentByName(pipeline, 'prompt', 'promote', null);
  await start(pipeline, shadow());
  const real = await completed();
  await evaluateExperiments(pipeline);
  const promptOf = async (id: string): Promise<unknown> =>
    (await configOf(pipeline, (await stateOf(pipeline, id)).configVersion)).routes['default']!.system_prompt;
  expect([await promptOf(real), await promptOf((await shadowsOf())[0]!)]).toEqual(['In JSON.', 'In JSON.']);
});

test('a shadow ends when its budget is spent, and begins nothing more', async () => {
  await start(pipeline, shadow({ budget_usd: 0.000_001 }));
  for (let count = 0; count < 6; count += 1) await completed();
  await evaluateExperiments(pipeline);
  for (const id of await shadowsOf()) await carry(pipeline, id, simple, sent(1), answered(1), judged(1, 1));
  await evaluateExperiments(pipeline);
  await evaluateExperiments(pipeline);
  expect((await recordOf(pipeline, 'seen')).state).toMatchObject({
    status: 'ended',
    reason: 'its budget of 0.000001 USD is spent',
  });
  expect(await shadowsOf()).toHaveLength(4);
  // The last two of the six were not asked for any more.
  const { tallies } = await recordOf(pipeline, 'seen');
  expect([tallies['delivered']?.jobs, tallies['candidate']?.jobs]).toEqual([4, 4]);
});

test('a shadow whose route is gone ends, and forgets the comparisons that waited', async () => {
  const asked = requestOf({ input: { prompt: 'Why?' }, route: 'chat' });
  await start(pipeline, shadow({ route: 'chat' }));
  const answer = async (id: string): Promise<void> => {
    await carry(pipeline, id, simple, sent(1));
    await advance(pipeline, id, answered(1), { 'answer:1': JSON.stringify({ text: 'Rayleigh scattering.' }) });
    await carry(pipeline, id, judged(1, 1));
  };
  await answer((await accept(pipeline, asked, null)).id);
  await evaluateExperiments(pipeline);
  await answer((await shadowsOf())[0]!);
  const without = await anotherPipeline(exampleConfig((file) => void delete file.routes['chat']));
  await evaluateExperiments(without);
  await evaluateExperiments(without);
  expect(await recordOf(pipeline, 'seen')).toMatchObject({ state: { status: 'ended' }, follow: [] });
});

test('a shadow passes over what comes faster than it can follow, and counts it in neither arm', async () => {
  await start(pipeline, shadow());
  const ended = {
    arms: [{ experiment: 'seen', arm: 'delivered', probability: 1 }],
    shadowOf: null,
    observation: { accepted: true, metFallback: false, limitMs: null, metrics: { pass_rate: 1 } },
  };
  for (let count = 0; count < 1200; count += 1)
    await pipeline.redis.xadd('{upshift-0}:outcomes', '*', 'outcome', JSON.stringify({ ...ended, job: `job_${count}` }));
  await evaluateExperiments(pipeline);
  // Four of those that are taken were followed at once, or would have been if they were kept.
  const record = await recordOf(pipeline, 'seen');
  expect([record.skipped, record.follow.length, record.tallies]).toEqual([200, 996, {}]);
});

test('what an earlier version had counted when it ended is not counted once more when its candidate is asked', async () => {
  await start(pipeline, shadow());
  await completed();
  await evaluateExperiments(pipeline);
  const arms = [{ experiment: 'seen', arm: 'delivered', probability: 1 }];
  const job = (await accept(pipeline, request, null)).id;
  const follow = [{ job, arms, shadowOf: null, observation: outcome(true) }];
  await changeExperiment(pipeline, 'seen', (record) => ({ ...record, follow }));
  await evaluateExperiments(pipeline);
  expect(await shadowsOf()).toHaveLength(2);
  expect(await recordOf(pipeline, 'seen')).toMatchObject({ follow: [], tallies: { delivered: { jobs: 1 } } });
});

test('an audit buys nothing of jobs that the top tier has answered, or nobody, and counts them in neither arm', async () => {
  await start(pipeline, shadow({ below_top: true }));
  const ended = async (...events: JobEvent[]): Promise<string> => {
    const { id } = await accept(pipeline, request, null);
    await carry(pipeline, id, ...events);
    return id;
  };
  await ended(classified(0.9), sent(1), answered(1), judged(1, 1));
  await ended(simple, sent(1), failed(1, 'invalid_request'));
  await ended(simple, sent(1), answered(1, { finishReason: 'refusal' }));
  const below = await ended(simple, sent(1), answered(1), judged(1, 1));
  await evaluateExperiments(pipeline);
  const followed = await shadowsOf();
  expect(
    (await Promise.all(followed.map((id) => stateOf(pipeline, id)))).map(({ experiments }) => experiments?.shadowOf),
  ).toEqual([below]);
  expect(await recordOf(pipeline, 'seen')).toMatchObject({ skipped: 0, tallies: { delivered: { jobs: 1 } } });
});

test.each([
  ['two answers', {}, {}, 2],
  ['a refusal that was delivered', { finishReason: 'refusal' }, {}, 0],
  ['a refusal of the top tier', {}, { finishReason: 'refusal' }, 0],
] as const)('an audit of %s leaves so many labels: a refusal is not judged', async (_what, delivered, candidate, count) => {
  const top = { strategy: 'classifier', thresholds: { classifier: [0.0001, 0.0002] } };
  await start(pipeline, shadow({ arms: [{ name: 'top', overrides: top }] }));
  const { id } = await accept(pipeline, request, null);
  await carry(pipeline, id, simple, sent(1), answered(1, delivered), judged(1, 1));
  await evaluateExperiments(pipeline);
  const [again] = await shadowsOf();
  await carry(pipeline, again!, simple, sent(1), answered(1, candidate), judged(1, 1));
  await keepAudit(pipeline, again!, false);
  const labels = await labelsIn(pipeline);
  expect(labels.filter(({ source }) => source === 'audit').map(({ tier, passed }) => [tier, passed])).toEqual(
    [
      ['economy', false],
      ['premium', true],
    ].slice(0, count),
  );
});

test('an intake whose clock was set back hears of an experiment in a moment, too', async () => {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  expect((await accept(pipeline, request, null)).state?.experiments).toBeNull();
  clock.mockRestore();
  await start(pipeline, shadow());
  await vi.waitFor(async () => expect((await accept(pipeline, request, null)).state?.experiments?.arms).toHaveLength(1), 10_000);
});

test('an evaluator that is overtaken while it acts forgets no change that came since, and counts no answer a second time', async () => {
  await start(pipeline, shadow({ webhook: 'watcher' }));
  await completed();
  const other = await anotherWithTrial();
  const { redis } = pipeline;
  const tell = redis.xadd.bind(redis) as (...args: unknown[]) => Promise<unknown>;
  const overtaken = async (...args: unknown[]): Promise<unknown> => {
    redis.xadd = tell as typeof redis.xadd;
    await evaluateExperiments(other);
    await commandExperimentByName(other, 'seen', 'pause', null);
    return tell(...args);
  };
  redis.xadd = overtaken as typeof redis.xadd;
  await evaluateExperiments(pipeline);
  const { pending, tallies } = await recordOf(pipeline, 'seen');
  expect(pending).toMatchObject([{ event: 'experiment.paused' }]);
  expect(tallies['delivered']?.jobs).toBe(1);
});
