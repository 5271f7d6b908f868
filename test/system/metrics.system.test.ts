import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, ProgramName } from './fleet.ts';

const LUNA = 'openai/gpt-6-luna';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet?.close());

/** The series of a program that have all of these labels, with their sum. */
async function metric(program: ProgramName, name: string, labels: Record<string, string> = {}): Promise<number> {
  const text = await (await fetch(`${fleet.url(program)}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines
    .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('a job that escalates is counted where it happens: the score, the reason, tokens and cost', async () => {
  fleet.sandbox.book.add({ model: LUNA, key: bookKey('Count me.'), answer: 'no' });
  fleet.sandbox.book.add({ model: '*', key: bookKey('Count me.'), answer: 'yes' });

  const job = await fleet.api.run({
    input: { prompt: 'Count me.' },
    task: 'classification',
    checks: [{ type: 'one_of', values: ['yes'], gate: true }],
  });

  expect(job).toMatchObject({ status: 'completed', escalations: 1 });
  expect(await metric('scorer', 'upshift_escalations_total', { tier: 'standard', reason: 'one_of' })).toBe(1);
  expect(await metric('scorer', 'upshift_verdict_score_count', { tier: 'economy' })).toBe(1);
  expect(await metric('scorer', 'upshift_verdict_score_count', { tier: 'standard' })).toBe(1);
  const economy = { model: LUNA };
  const tokens = await Promise.all(
    ['input', 'cached_input', 'cache_write', 'output'].map((type) =>
      metric('worker-economy', 'upshift_tokens_total', { ...economy, type }),
    ),
  );
  expect(tokens[0]).toBeGreaterThan(0);
  expect(tokens[3]).toBeGreaterThan(0);
  expect(await metric('worker-economy', 'upshift_cost_usd_total', economy)).toBeGreaterThan(0);
});

test('a failure that alerts at its first occurrence, and what is spent, is counted from 0 on, for each model that a worker calls', async () => {
  const alerts = await readFile(new URL('../../deploy/prometheus/alerts.yaml', import.meta.url), 'utf8');
  const outcomes = [...alerts.matchAll(/upshift_attempts_total\{outcome="(\w+)"\}\[\w+\]\)\) > 0$/gm)].map(
    ([, outcome]) => outcome,
  );
  expect(outcomes).toEqual(['provider_denied', 'model_not_found']);
  const seriesOf = async (program: ProgramName): Promise<string> => (await fetch(`${fleet.url(program)}/metrics`)).text();
  const [premium, fallback] = await Promise.all([seriesOf('worker-premium'), seriesOf('worker-fallback')]);
  for (const model of ['openai/gpt-6.1-sol', 'anthropic/claude-opus-5-5']) {
    for (const series of [premium, fallback])
      expect(series).toContain(`upshift_cost_usd_total{model="${model}",service="worker"} 0`);
    for (const outcome of outcomes) {
      expect(premium).toContain(`{tier="premium",model="${model}",outcome="${outcome}",service="worker"} 0`);
      expect(fallback).toContain(`{tier="fallback",model="${model}",outcome="${outcome}",service="worker"} 0`);
    }
  }
});

test('a call that is put off is counted by its model and by why', async () => {
  fleet.sandbox.faults.replace([{ model: LUNA, match: 'Later', kind: 'rate_limit', retry_after_s: 1, times: 1 }]);
  const job = await fleet.api.run({ input: { prompt: 'Later, please.' }, model: LUNA });
  expect(job).toMatchObject({ status: 'completed', attempts: 1 });
  expect(await metric('worker-economy', 'upshift_deferrals_total', { model: LUNA, reason: 'rate_limited' })).toBe(1);
});

test('requests are measured by the pattern of their route, also where they are refused', async () => {
  await fleet.api.send('/v1/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  await fleet.api.send('/v1/jobs/job_0123456789abcdef0123456789abcde');
  await fleet.api.send('/v1/webhooks/nobody/deliveries');
  await fleet.api.send('/nowhere/at/all');

  const requests = (labels: Record<string, string>): Promise<number> =>
    metric('intake', 'upshift_http_request_duration_seconds_count', labels);
  expect(await requests({ method: 'POST', route: '/v1/jobs', status: '4xx' })).toBe(1);
  expect(await requests({ method: 'GET', route: '/v1/jobs/:id', status: '4xx' })).toBe(1);
  expect(await requests({ route: '/v1/webhooks/:name/deliveries', status: '4xx' })).toBe(1);
  expect(await requests({ route: 'none', status: '4xx' })).toBe(1);
});

test('a circuit that opens is told by the worker whose it is', async () => {
  fleet.sandbox.faults.replace([{ model: LUNA, match: 'break', kind: 'server_error' }]);
  await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      fleet.api.run({ input: { prompt: `Let it break ${index}.` }, task: 'classification' }),
    ),
  );
  fleet.sandbox.faults.replace([]);

  expect(await metric('worker-economy', 'upshift_circuit_open', { model: LUNA })).toBe(1);
});

test('queues are measured by tier, every program says that it is ready, and a killed worker leaves a stalled entry', async () => {
  const model = 'anthropic/claude-haiku-5-5';
  fleet.sandbox.book.add({ model, key: bookKey('Die here.'), answer: 'too late', latency_ms: 60_000 });
  const { body } = await fleet.api.post({ input: { prompt: 'Die here.' }, model });
  await vi.waitFor(() => expect(fleet.sandbox.inFlight()).toBe(1), { timeout: 10_000 });
  await vi.waitFor(
    async () => expect(await metric('steward', 'upshift_queue_depth', { tier: 'economy', state: 'active' })).toBe(1),
    { timeout: 15_000 },
  );

  await fleet.kill('worker-economy');
  await fleet.start('worker-economy');

  await vi.waitFor(async () => expect(await metric('worker-economy', 'upshift_stalled_total')).toBe(1), { timeout: 40_000 });
  await fleet.api.cancel(body.id);
  expect(await metric('worker-economy', 'upshift_ready')).toBe(1);
});
