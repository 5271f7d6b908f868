import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { SavingsView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { billOf } from './bill.ts';
import { CONSOLE_PASSWORD, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const upshift = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const usage = { input_tokens: 1000, output_tokens: 200 };

let fleet: Fleet;
let paid = 0;
let lost = 0;
let judging = 0;

beforeAll(async () => {
  fleet = await startFleet();
  await runJobs();
});
afterAll(() => fleet?.close());

/** Two jobs that the economy answers, and one of which a check and a judge want more. */
async function runJobs(): Promise<void> {
  for (const prompt of ['Which colour is grass?', 'Which colour is snow?']) {
    fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'green or white', usage });
    const job = await fleet.api.run({ input: { prompt }, task: 'classification' });
    expect(job.result?.tier).toBe('economy');
    paid += billOf(fleet, job.id);
  }
  const hard = 'Which colour is the sky?';
  fleet.sandbox.book.add({ model: 'openai/gpt-6-luna', key: bookKey(hard), answer: 'who knows', usage });
  fleet.sandbox.book.add({ model: 'openai/gpt-6.1-terra', key: bookKey(hard), answer: 'blue', usage });
  const checks = [
    { type: 'regex' as const, pattern: 'blue' },
    { type: 'llm_judge' as const, rubric: 'Is it a colour?' },
  ];
  const job = await fleet.api.run({ input: { prompt: hard }, task: 'classification', checks });
  expect(job.result?.model).toBe('openai/gpt-6.1-terra');
  paid += billOf(fleet, job.id);
  const trail = await fleet.api.trail(job.id);
  const settled = trail.filter(({ event }) => event === 'attempt-settled');
  lost += settled.find(({ model, purpose }) => purpose === 'answer' && model === 'openai/gpt-6-luna')!.cost_usd!;
  judging += settled
    .flatMap(({ purpose, cost_usd: cost }) => (purpose === 'judge' ? [cost ?? 0] : []))
    .reduce((a, b) => a + b, 0);
}

test('the API tells what was paid and lost, and what the same jobs would have cost with one model', async () => {
  const view = (await (await fetch(`${fleet.url('intake')}/v1/savings?days=1`)).json()) as SavingsView;
  const { total } = view;
  expect(total).toMatchObject({ jobs: 3, good: 3 });
  expect(total.cost_usd).toBeCloseTo(paid, 9);
  expect(total.lost_usd).toBeCloseTo(lost, 9);
  expect(total.scoring_usd).toBeCloseTo(judging, 9);
  expect(judging).toBeGreaterThan(0);
  expect(total.perfect_usd).toBeCloseTo(paid - lost - judging, 9);
  expect(total.all_economy?.model).toBe('openai/gpt-6-luna');
  // 1,000 tokens in and 200 out, three times, at 2 and 10 USD per million.
  expect(total.all_premium).toEqual({ model: 'openai/gpt-6.1-sol', cost_usd: 0.012 });
  expect(total.saved_usd).toBeCloseTo(0.012 - paid, 9);
  expect(view.routes['default']).toEqual(total);
});

test('a bad number of days is refused, and an empty past is told as nothing', async () => {
  expect((await fetch(`${fleet.url('intake')}/v1/savings?days=0`)).status).toBe(400);
  expect((await fetch(`${fleet.url('intake')}/v1/savings?days=400`)).status).toBe(200);
});

test('the command line and the console show the same', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    upshift,
    '--url',
    fleet.url('intake'),
    'savings',
    '--days',
    '1',
  ]);
  expect(stdout).toContain(paid.toFixed(6));
  expect(stdout).toContain('all premium: openai/gpt-6.1-sol');
  const authorization = `Basic ${Buffer.from(`upshift:${CONSOLE_PASSWORD}`).toString('base64')}`;
  const page = await (await fetch(fleet.url('console'), { headers: { authorization } })).text();
  expect(page).toContain('Savings</h2>');
  expect(page).toContain('all premium: openai/gpt-6.1-sol');
});
