import type { Check } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { billOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      // A right answer beside a wrong one is good enough for the second tier, and not for the first.
      config.tiers.find(({ name }) => name === 'standard')!.accept_at = 0.4;
    },
  });
});
afterAll(() => fleet?.close());

function answer(model: string, prompt: string, text: string): void {
  fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: text });
}

const SUM = 'A baker makes 12 loaves an hour and works 5 hours. He sells each loaf for $3. How much does he earn?';
const CALCULATED = 'He makes 12 * 5 = 60 loaves. He earns 60 * $3 = $180.\nThe answer is 180.';

test('the trained scorer escalates an answer that does not add up, and accepts one that does, without being asked', async () => {
  const prompt = `${SUM} Show the steps.`;
  answer('openai/gpt-6-luna', prompt, 'He makes 12 * 5 = 50 loaves. He sells 17, wait, perhaps 15. The answer is 17.');
  answer('openai/gpt-6.1-terra', prompt, CALCULATED);
  const job = await fleet.api.run({ input: { prompt }, task: 'classification' });
  expect(job).toMatchObject({ escalations: 1, result: { text: CALCULATED, tier: 'standard' } });
  const judged = (await fleet.api.trail(job.id)).filter(({ event }) => event === 'answer-judged');
  expect(judged[0]?.reason).toMatch(/^score 0\.\d+ is below 0.8$/);
  expect(judged[1]?.checks?.at(-1)).toMatchObject({ type: 'trained', weight: 1, score: job.result?.score });
});

test('a further answer that comes to something else shifts the job up, and is on the bill', async () => {
  const check: Check = { type: 'agreement', models: ['anthropic/claude-haiku-5-5'] };
  answer('*', SUM, CALCULATED);
  answer('openai/gpt-6-luna', SUM, CALCULATED);
  answer('anthropic/claude-haiku-5-5', SUM, 'He makes 12 * 5 = 60 loaves. He earns 60 / 3 = $20.\nThe answer is 20.');
  const job = await fleet.api.run({ input: { prompt: SUM }, task: 'classification', checks: [check] });
  expect(job).toMatchObject({ escalations: 1, result: { tier: 'standard', text: CALCULATED } });
  expect(billOf(fleet, job.id)).toBe(job.cost_usd);
  const trail = await fleet.api.trail(job.id);
  expect(trail.filter(({ event }) => event === 'attempt-settled').map(({ purpose, model }) => `${purpose} ${model}`)).toContain(
    'sample anthropic/claude-haiku-5-5',
  );
  const [first] = trail.filter(({ event }) => event === 'answer-judged');
  expect(first?.checks).toContainEqual(
    expect.objectContaining({ type: 'agreement', reason: '0 of 1 other answers comes to the same' }),
  );
});

test('several checks share the further answers, as many as the one wants that wants most, which alone has their price', async () => {
  const prompt = 'Which label fits: positive or negative? I would not sell it.';
  answer('*', prompt, 'positive');
  const checks: Check[] = [{ type: 'agreement' }, { type: 'agreement', samples: 2 }];
  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks });
  expect(job).toMatchObject({ escalations: 0, attempts: 3, result: { tier: 'economy', score: 1 } });
  const judged = (await fleet.api.trail(job.id)).find(({ event }) => event === 'answer-judged');
  const agreements = judged!.checks!.filter(({ type }) => type === 'agreement');
  expect(agreements.map(({ reason, cost_usd: cost }) => [reason, cost !== undefined])).toEqual([
    ['2 of 2 other answers come to the same', false],
    ['2 of 2 other answers come to the same', true],
  ]);
});

test('a further answer to a label that comes to the same lets it pass, and no second one is asked where nothing can change any more', async () => {
  const prompt = 'Which label fits: positive or negative? I would buy it again.';
  answer('*', prompt, 'positive');
  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks: [{ type: 'agreement', samples: 2 }] });
  expect(job).toMatchObject({ escalations: 0, attempts: 3, result: { tier: 'economy', score: 1 } });
  const unsure = 'Which label fits: positive or negative? It came on a Tuesday.';
  answer('*', unsure, 'negative');
  answer('openai/gpt-6-luna', unsure, 'positive');
  const moved = await fleet.api.run({
    input: { prompt: unsure },
    task: 'classification',
    checks: [{ type: 'agreement', samples: 5 }],
  });
  const samples = (await fleet.api.trail(moved.id)).filter(
    ({ event, purpose }) => event === 'attempt-sent' && purpose === 'sample',
  );
  expect(moved).toMatchObject({ escalations: 1, result: { text: 'negative' } });
  expect(samples.filter(({ tier }) => tier === 'economy')).toHaveLength(2);
});
