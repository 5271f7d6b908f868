import type { JobExperiments, TrailEntry } from '@upshift/contracts';
import { savingsCounters, savingsOf } from '@upshift/routing';
import type { Decision, RouteCounters } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  exampleModel,
  factsOf,
  HIGH,
  judged,
  LOW,
  LOW_TWIN,
  MIDDLE,
  NOON,
  requestOf,
  sent,
  verdictAt,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const lateVerdict = { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) } as const;
const days = { from: '2026-11-23', to: '2026-11-23' };

/** 1,000 tokens in and 100 out: what a call of each model costs, in USD. */
const price = { [LOW]: 0.0015, [LOW_TWIN]: 0.003, [MIDDLE]: 0.015, [HIGH]: 0.06 };

/** The sums after decisions in a row. */
function sums(...decisions: Decision[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [index, decision] of decisions.entries()) {
    const before = (decisions[index - 1] ?? decision).job;
    for (const [name, amount] of savingsCounters(before, decision, config)) total[name] = (total[name] ?? 0) + amount;
  }
  return total;
}

function steps(job: Decision['job'], ...events: Parameters<typeof after>[2][]): Decision[] {
  const decisions: Decision[] = [];
  for (const event of events) decisions.push(after(decisions.at(-1)?.job ?? job, facts, event));
  return decisions;
}

const escalated = steps(
  acceptedJob(config),
  classified(0.1),
  sent(1),
  answered(1),
  judged(1, 0.2),
  sent(2),
  answered(2),
  judged(2, 0.9),
);

describe('what jobs cost beside what they would have cost', () => {
  test('the failed cheap attempt is lost, and each model alone has the result’s tokens at its price', () => {
    const { total } = savingsOf({ default: sums(...escalated) }, config, days);
    expect(total).toMatchObject({
      jobs: 1,
      good: 1,
      cost_usd: price[LOW] + price[MIDDLE],
      lost_usd: price[LOW],
      scoring_usd: 0,
      perfect_usd: price[MIDDLE],
      all_economy: { model: LOW, cost_usd: price[LOW] },
      all_premium: { model: HIGH, cost_usd: price[HIGH] },
    });
    expect(total.saved_usd).toBeCloseTo(price[HIGH] - price[LOW] - price[MIDDLE], 9);
  });

  test('the first answer alone says how often its model passes: of later ones there are only the hard ones', () => {
    const told = Object.entries(sums(...escalated)).filter(([name]) => /^(first|passed):/.test(name));
    expect(told).toEqual([
      [`first:${LOW}`, 1],
      [`passed:${LOW}`, 0],
    ]);
  });

  test('a call of a judge is scoring', () => {
    const judging = steps(acceptedJob(config), classified(0.1), sent(1), answered(1), {
      type: 'judge-requested',
      attempt: 1,
      check: 0,
    });
    const all = [...judging, ...steps(judging.at(-1)!.job, sent(2), answered(2), judged(1, 0.9))];
    expect(savingsOf({ default: sums(...all) }, config, days).total).toMatchObject({
      scoring_usd: price[MIDDLE],
      perfect_usd: price[LOW],
      lost_usd: 0,
    });
  });

  test('a late verdict takes the end back, so that a job is counted once', () => {
    const ended = escalated.at(-1)!.job;
    const again = steps(ended, lateVerdict, sent(3), answered(3), judged(3, 0.9));
    const { total } = savingsOf({ default: sums(...escalated, ...again) }, config, days);
    expect(total).toMatchObject({ jobs: 1, good: 1, perfect_usd: price[HIGH], all_premium: { cost_usd: price[HIGH] } });
    expect(total.lost_usd).toBeCloseTo(price[LOW] + price[MIDDLE], 9);
  });

  test('a late verdict on a job that can not be answered anew counts it once, and no more as good', () => {
    const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: MIDDLE }));
    const ended = steps(pinned, classified(0.1), sent(1), answered(1), judged(1, 0.9));
    const late = after(ended.at(-1)!.job, facts, lateVerdict);
    expect(late.job).toMatchObject({ status: 'completed', degraded: true });
    expect(sums(...ended, late)).toEqual({ ...sums(...ended), good: 0, [`passed:${MIDDLE}`]: 0 });
  });

  test('an answer that a late verdict fails has not passed; one that never had is not taken back', () => {
    const passed = steps(acceptedJob(config), classified(0.1), sent(1), answered(1), judged(1, 0.9), lateVerdict);
    expect(sums(...passed)).toMatchObject({ jobs: 0, [`first:${LOW}`]: 1, [`passed:${LOW}`]: 0 });
    const later = steps(escalated.at(-1)!.job, lateVerdict);
    expect(sums(...escalated, ...later)).toMatchObject({ [`first:${LOW}`]: 1, [`passed:${LOW}`]: 0 });
    const request = requestOf({ input: { prompt: 'x' }, limits: { max_escalations: 0 } });
    const degraded = steps(acceptedJob(config, request), classified(0.1), sent(1), answered(1), judged(1, 0.5), lateVerdict);
    expect(sums(...degraded)).toMatchObject({ [`first:${LOW}`]: 1, [`passed:${LOW}`]: 0 });
  });

  test('a late verdict takes no more from what was good than the end had added', () => {
    const due = { ...acceptedJob(config), deadline: NOON };
    const degraded = steps(due, classified(0.1), sent(1), answered(1), { type: 'deadline-passed' });
    expect(sums(...degraded)).toMatchObject({ jobs: 1, good: 0 });
    expect(sums(...degraded, after(degraded.at(-1)!.job, facts, lateVerdict))).toMatchObject({ jobs: 0, good: 0 });
  });

  test('an end is taken back at the prices at which it was counted', () => {
    const dearer = exampleConfig((file) => {
      (file.models[HIGH]!['prices'] as unknown[]).push({ from: '2026-11-24', input: 80, output: 400 });
    });
    const { job, trail } = escalated.at(-1)!;
    const late = after(job, factsOf(dearer, { now: NOON + 86_400_000 }), lateVerdict);
    const counted = [...savingsCounters(job, { job, trail }, dearer), ...savingsCounters(job, late, dearer)];
    const ofHigh = counted.flatMap(([name, amount]) => (name === `alone:${HIGH}` ? [amount] : []));
    expect(ofHigh).toEqual([60_000_000, -60_000_000]);
  });

  test('an answer that fell short has not passed, also where the job ends with it', () => {
    const single = steps(
      acceptedJob(config, requestOf({ input: { prompt: 'x' }, limits: { max_escalations: 0 } })),
      classified(0.1),
      sent(1),
      answered(1),
      judged(1, 0.5),
    );
    expect(single.at(-1)!.job).toMatchObject({ finalAttempt: 1, degraded: true });
    expect(sums(...single)).toMatchObject({ jobs: 1, good: 0, [`first:${LOW}`]: 1, [`passed:${LOW}`]: 0 });
  });

  test('an answer that a canary holds has passed when it was accepted, and what answers a job anew is asked first again', () => {
    const job = { ...acceptedJob(config), experiments: canaryPart };
    const held = steps(job, classified(0.1), sent(1), answered(1), judged(1, 0.9));
    const released = after(held.at(-1)!.job, facts, { type: 'hold-released' });
    expect(sums(...held, released)).toMatchObject({ jobs: 1, good: 1, [`first:${LOW}`]: 1, [`passed:${LOW}`]: 1 });
    const rerun = steps(
      held.at(-1)!.job,
      { type: 'arm-taken-back', reason: 'rolled back' },
      classified(0.5),
      sent(2),
      answered(2),
      judged(2, 0.9),
    );
    expect(sums(...held, ...rerun)).toMatchObject({ jobs: 1, good: 1, [`first:${MIDDLE}`]: 1, [`passed:${MIDDLE}`]: 1 });
  });

  test('a shadow costs beside, and is no job', () => {
    const shadow = { ...acceptedJob(config), experiments: { shadowOf: 'job_0a' } as never };
    const counters = savingsCounters(shadow, { job: shadow, trail: [settled(0.5)] }, config);
    expect(counters).toEqual([['audits', 500_000_000]]);
  });

  test('the best single model is the cheapest that passes at first as often as the whole does, once enough is measured', () => {
    const measured = (first: number, passed: number): RouteCounters => ({
      default: {
        jobs: 100,
        good: 90,
        [`alone:${HIGH}`]: 3,
        [`first:${HIGH}`]: 30,
        [`passed:${HIGH}`]: 30,
        [`alone:${LOW}`]: 1,
        [`first:${LOW}`]: first,
        [`passed:${LOW}`]: passed,
      },
    });
    const bestOf = (counters: RouteCounters) => savingsOf(counters, config, days).total.best_single;
    expect(bestOf(measured(50, 45))?.model).toBe(LOW);
    expect(bestOf(measured(50, 44))?.model).toBe(HIGH);
    expect(bestOf(measured(30, 27))?.model).toBe(LOW);
    expect(bestOf(measured(29, 29))?.model).toBe(HIGH);
    expect(bestOf({ default: { jobs: 1, good: 1, [`alone:${LOW}`]: 1 } })).toBeNull();
  });

  test('vectors would have cost the same with any model', () => {
    const embedding = acceptedJob(config, requestOf({ input: { texts: ['x'] } }));
    const { total } = savingsOf({ default: sums(...steps(embedding, classified(0.1), sent(1), answered(1))) }, config, days);
    expect(total).toMatchObject({ jobs: 1, good: 1, saved_usd: 0, all_premium: { model: HIGH, cost_usd: total.cost_usd } });
    expect(total.cost_usd).toBeGreaterThan(0);
  });

  test('a model that costs nothing is known to cost nothing, and is the best single one where it passes as often', () => {
    const free = exampleConfig((file) => {
      file.models[LOW]!['prices'] = [{ from: '2026-01-01', input: 0, output: 0 }];
    });
    const freeFacts = factsOf(free);
    const ended = after(acceptedJob(free), freeFacts, classified(0.1), sent(1), answered(1));
    const counters = Object.fromEntries(savingsCounters(ended.job, after(ended.job, freeFacts, judged(1, 0.9)), free));
    const stored = Object.fromEntries(Object.entries(counters).filter(([, amount]) => amount !== 0));
    expect(savingsOf({ default: stored }, free, days).total.all_economy).toEqual({ model: LOW, cost_usd: 0 });
    const often = { ...stored, jobs: 30, good: 30, [`first:${LOW}`]: 30, [`passed:${LOW}`]: 30 };
    expect(savingsOf({ default: often }, free, days).total.best_single).toEqual({ model: LOW, cost_usd: 0 });
  });

  test('of a model that was added within the days, or had no price, nothing is said of all jobs', () => {
    const older = exampleConfig((file) => {
      file.models[LOW]!['prices'] = [{ from: '2027-01-01', input: 1, output: 5 }];
      delete file.models[HIGH];
      Object.assign(file, { tiers: file.tiers.slice(0, 2), classifier: { thresholds: [0.3] } });
      for (const route of Object.values(file.routes)) route['fallback'] = [MIDDLE];
    });
    const { job, trail } = escalated.at(-1)!;
    const before = savingsCounters(job, { job, trail }, older);
    const both = sums(...escalated);
    for (const [name, amount] of before) both[name] = (both[name] ?? 0) + amount;
    const measured = { ...both, [`first:${LOW}`]: 50, [`passed:${LOW}`]: 50 };
    const { total } = savingsOf({ default: measured }, config, days);
    expect(total).toMatchObject({ all_premium: null, saved_usd: null, all_economy: null, best_single: null });
    const costs = new Map(total.models.map(({ model, cost_usd: cost }) => [model, cost]));
    expect(costs.get(MIDDLE)).toBeCloseTo(2 * price[MIDDLE], 9);
    expect([costs.get(HIGH), costs.get(LOW)]).toEqual([null, null]);
  });

  test('a model on trial, which answers nothing, stands for no tier', () => {
    const tried = exampleConfig((file) => {
      file.models = { 'openai/new': exampleModel('premium', 1, { on_trial: true }), ...file.models };
    });
    expect(savingsOf({ default: sums(...escalated) }, tried, days).total.all_premium?.model).toBe(HIGH);
  });

  test('an answer whose tokens are not known counts for no model', () => {
    const unknown = steps(acceptedJob(config), classified(0.1), sent(1), answered(1, { usage: null }), judged(1, 0.9));
    const { total } = savingsOf({ default: sums(...escalated, ...unknown) }, config, days);
    expect(total).toMatchObject({ jobs: 2, all_premium: { model: HIGH, cost_usd: price[HIGH] } });
  });

  test('routes are apart, and the total is their sum', () => {
    const { routes, total } = savingsOf({ b: sums(...escalated), a: sums(...escalated) }, config, days);
    expect(Object.keys(routes)).toEqual(['a', 'b']);
    expect(total.jobs).toBe(2);
    expect(total.cost_usd).toBeCloseTo(2 * routes['a']!.cost_usd, 9);
  });
});

const canaryPart: JobExperiments = {
  arms: [{ experiment: 'new-model', arm: 'canary', probability: 0.05 }],
  baseConfigVersion: 'v0',
  holdFor: 'new-model',
  held: null,
  discardedAttempts: 0,
  shadowOf: null,
};

function settled(costUsd: number): TrailEntry {
  return {
    at: '2026-11-23T12:00:00.000Z',
    event: 'attempt-settled',
    revision: 1,
    purpose: 'answer',
    cost_usd: costUsd,
    reason: '',
  };
}
