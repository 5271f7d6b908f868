import type { JobView, TrailEntry } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';
import { answered, inLanes, quantile, report, whole } from './storm.ts';

const JOBS = whole ? 1500 : 400;
const LANES = 8;
const CALL_MS = 150;
const SLOW = 10;
const DEAD = 'ollama/llama3.1:8b';
/** Of the circuit: failures that open it, calls that may be under way beyond them (the model's concurrency), and its rest. */
const OPENS_AT = 5;
const UNDER_WAY = 2;
const REST_MS = 10_000;

/** With and without a rule: the preferred model is the one in a brownout, a healthy one, and the dead one (the cheapest). */
const tasks = ['translation', 'classification', null];

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    environment: { LOG_LEVEL: 'warn' },
    configure: ({ models, classifier }) => {
      for (const [id, model] of Object.entries(models)) if (id.startsWith('anthropic/')) model.slow_call_s = 1;
      // Every job starts at the lowest tier, where the dead model is.
      classifier.thresholds = [0.98, 0.99];
    },
  });
  fleet.sandbox.settings.change({ latency_ms: CALL_MS });
});

afterAll(() => fleet?.close());

async function run(name: string): Promise<{ jobs: JobView[]; p95Ms: number; tookMs: number }> {
  const startedAt = Date.now();
  const jobs = await inLanes(JOBS, LANES, (index) =>
    answered(fleet.api.run({ input: { prompt: `${name} ${index}.` }, task: tasks[index % tasks.length] ?? null })),
  );
  const times = jobs.map(({ timings_ms: { total } }) => total ?? Infinity);
  return { jobs, p95Ms: quantile(times, 0.95), tookMs: Date.now() - startedAt };
}

test(
  'one vendor slow and overloaded, another one dead: every job is answered in time, and the dead one is left alone',
  {
    timeout: 300_000,
  },
  async () => {
    const healthy = await run('Healthy');
    fleet.sandbox.faults.replace([
      ...brownout('anthropic/claude-haiku-5-5'),
      ...brownout('anthropic/claude-sonnet-5-5'),
      ...brownout('anthropic/claude-opus-5-5'),
      { model: DEAD, kind: 'server_error' },
    ]);

    const brown = await run('Brown');

    const trails = await inLanes(JOBS, LANES, (index) => fleet.api.trail(brown.jobs[index]?.id ?? ''));
    const figures = {
      jobs: JOBS,
      not_completed: brown.jobs.filter(({ status }) => status !== 'completed').length,
      healthy_p95_ms: healthy.p95Ms,
      brownout_p95_ms: brown.p95Ms,
      calls_of_the_dead: trails.flat().filter(isCallOfTheDead).length,
      allowed: OPENS_AT + UNDER_WAY + Math.ceil(brown.tookMs / REST_MS),
      calls_per_job: trails.flat().filter(({ event }) => event === 'attempt-sent').length / JOBS,
    };
    report('brownout', figures);
    expect(healthy.jobs.filter(({ status }) => status !== 'completed')).toEqual([]);
    expect(figures.not_completed).toBe(0);
    expect(figures.brownout_p95_ms).toBeLessThanOrEqual(3 * figures.healthy_p95_ms);
    expect(figures.calls_of_the_dead).toBeGreaterThan(0);
    expect(figures.calls_of_the_dead).toBeLessThanOrEqual(figures.allowed);
    expect(figures.calls_per_job).toBeLessThan(1.3);
  },
);

function brownout(model: string) {
  return [
    { model, kind: 'overloaded' as const, share: 0.3 },
    { model, kind: 'slow' as const, latency_ms: SLOW * CALL_MS },
  ];
}

function isCallOfTheDead({ event, model, error }: TrailEntry): boolean {
  return event === 'attempt-failed' && model === DEAD && error !== 'circuit_open';
}
