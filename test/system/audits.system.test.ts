import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { GateLabel, JobView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import { labelsFromHistory } from '../../services/cli/src/calibrate/read-labels.ts';
import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const upshift = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const CHEAP = 'openai/gpt-6-luna';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'steward', 'worker-economy', 'worker-standard', 'worker-premium'],
    configure: (config) => {
      config.scorer = { type: 'checks' };
      config.recording = { enabled: true };
      config.routes['plain'] = { ...config.routes['default']! };
    },
  });
});
afterAll(() => fleet?.close());

async function audit(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [upshift, '--url', fleet.url('intake'), 'audit', ...args]);
  return stdout;
}

/** Answered by the economy, and otherwise by all others. */
async function ask(route: string, prompt: string, cheap: string, dear: string): Promise<JobView> {
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: dear });
  fleet.sandbox.book.add({ model: CHEAP, key: bookKey(prompt), answer: cheap });
  const job = await fleet.api.run({ input: { prompt }, route, task: 'classification' });
  expect(job.result).toMatchObject({ text: cheap, tier: 'economy' });
  return job;
}

async function auditsOf(job: string): Promise<[tier: string, passed: boolean][]> {
  const body = await (await fetch(`${fleet.url('intake')}/v1/labels`)).text();
  const labels = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as GateLabel);
  return labels.filter((label) => label.job === job && label.source === 'audit').map(({ tier, passed }) => [tier, passed]);
}

/** The first job that an audit which was just begun has taken: intake hears of it within half a second. */
function firstAudited(run: () => Promise<JobView>): Promise<JobView> {
  return vi.waitFor(
    async () => {
      const job = await run();
      await vi.waitFor(async () => expect(await auditsOf(job.id)).toHaveLength(2), { timeout: 4000 });
      return job;
    },
    { timeout: 30_000 },
  );
}

test('an audit has jobs answered once more at the top tier, and what comes out is a label; what was delivered stays', async () => {
  expect(await audit('--share', '1', '--budget-usd', '1')).toContain('100 % of the jobs of route default');
  const right = await firstAudited(() =>
    ask('default', `What is 6 times 7? (${Math.random()})`, 'The answer is 42.', 'It comes to 42, so the answer is 42.'),
  );
  expect(await auditsOf(right.id)).toEqual([
    ['economy', true],
    ['premium', true],
  ]);
  const wrong = await ask('default', 'What is 6 times 8?', 'The answer is 49.', 'The answer is 48.');
  await vi.waitFor(
    async () =>
      expect(await auditsOf(wrong.id)).toEqual([
        ['economy', false],
        ['premium', true],
      ]),
    { timeout: 20_000 },
  );
  expect(await fleet.api.job(wrong.id)).toEqual(wrong);
  expect((await fleet.api.job(right.id)).revision).toBe(1);
  const savings = (await (await fetch(`${fleet.url('intake')}/v1/savings?days=1`)).json()) as {
    total: { audits_usd: number; jobs: number };
  };
  expect(savings.total.audits_usd).toBeGreaterThan(0);
});

test('with a rubric a judge compares the two answers, blind, and what it says is the label', async () => {
  const made = await audit('--route', 'plain', '--share', '1', '--budget-usd', '1', '--rubric', 'Which is kinder?', '--json');
  // Of what the top tier has answered nothing would be learnt.
  expect(JSON.parse(made)).toMatchObject({ document: { judge: { rubric: 'Which is kinder?' }, below_top: true } });
  const job = await firstAudited(() => ask('plain', `Say hello. (${Math.random()})`, 'Hi.', 'Hello, how nice to see you!'));
  expect((await auditsOf(job.id)).map(([tier]) => tier)).toEqual(['economy', 'premium']);
});

test('calibration takes the answers of both tiers from what audits have left', async () => {
  const api = apiAt(fleet.url('intake'));
  const labels = await labelsFromHistory(api, { thresholds: true });
  const wrong = labels.filter(({ prompt }) => prompt === 'What is 6 times 8?');
  expect(wrong.map(({ tier, answer, ok }) => [tier, answer, ok])).toEqual([
    ['economy', 'The answer is 49.', false],
    ['premium', 'The answer is 48.', true],
  ]);
  expect(new Set(wrong.map(({ question_id: id }) => id)).size).toBe(1);
});

test('a budget is needed', async () => {
  await expect(audit('--share', '0.1')).rejects.toThrow(/budget-usd/);
});
