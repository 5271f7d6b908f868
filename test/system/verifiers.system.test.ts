import type { TrailEntry } from '@upshift/contracts';
import { comparisonMessages } from '@upshift/routing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { billOf, generationsOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { hasEnded } from './job-api.ts';
import { replyWith, sayOnly, startReceiver, verified } from './receiver.ts';
import type { Receiver } from './receiver.ts';

const LUNA = 'openai/gpt-6-luna';
const TERRA = 'openai/gpt-6.1-terra';

let fleet: Fleet;
let verifier: Receiver;
let secret: string;

beforeAll(async () => {
  verifier = await startReceiver();
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard', 'worker-premium', 'worker-fallback'],
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true };
      config.judge = { models: [LUNA] };
    },
  });
  const made = await fetch(`${fleet.url('intake')}/v1/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'tests', url: verifier.url }),
  });
  secret = ((await made.json()) as { secret: string }).secret;
});
afterAll(async () => {
  await fleet?.close();
  verifier?.close();
});
beforeEach(() => {
  verifier.received.length = 0;
});

function answers(prompt: string, texts: Record<string, string>): void {
  for (const [model, answer] of Object.entries(texts)) fleet.sandbox.book.add({ model, key: bookKey(prompt), answer });
}

const judgedOf = (trail: TrailEntry[]): TrailEntry[] => trail.filter(({ event }) => event === 'answer-judged');
const purposesOf = (trail: TrailEntry[]): (string | undefined)[] =>
  trail.flatMap(({ event, purpose }) => (event === 'attempt-settled' ? [purpose] : []));
const checkOf = (entry: TrailEntry, type: string) => entry.checks?.find((check) => check.type === type);

/** Passes what contains `good`. */
const runsTests: Receiver['answer'] = (received, response) => {
  const { answer } = (JSON.parse(received.body) as { data: { answer: string } }).data;
  const passed = answer.includes('good');
  replyWith({ passed, reason: passed ? '5 of 5 tests pass' : '2 of 5 tests fail' })(received, response);
};

test("a user's own verifier is asked of each answer, signed, and what it fails is escalated", async () => {
  verifier.answer = runsTests;
  const prompt = 'Write a sorting function.';
  answers(prompt, { '*': 'bad', [TERRA]: 'good' });
  const job = await fleet.api.run({
    input: { prompt },
    task: 'classification',
    checks: [{ type: 'verifier', webhook: 'tests' }],
  });
  expect(job).toMatchObject({ status: 'completed', escalations: 1, result: { model: TERRA, degraded: false } });
  const trail = await fleet.api.trail(job.id);
  expect(trail.filter(({ event }) => event === 'answer-verified').map(({ score, reason }) => [score, reason])).toEqual([
    [0, '2 of 5 tests fail'],
    [1, '5 of 5 tests pass'],
  ]);
  expect(judgedOf(trail)[0]!.reason).toBe('failed verifier (2 of 5 tests fail)');
  expect(verifier.received.map((one) => verified(one, secret))).toMatchObject([
    { type: 'answer.verify', data: { job: job.id, revision: 1, attempt: 1, tier: 'economy', prompt, answer: 'bad' } },
    { data: { attempt: 2, tier: 'standard', answer: 'good' } },
  ]);
  // Of the answer alone, and not of this try: by it the verifier knows an answer that it has judged.
  const ids = [1, 2].map((attempt) => `msg_${job.id}_1_verify_${attempt}`);
  expect(verifier.received.map(({ headers }) => headers['webhook-id'])).toEqual(ids);
});

test('it is asked once although a judge makes the step come back, and each score has its price', async () => {
  verifier.answer = replyWith({ passed: true, score: 0.9 });
  const prompt = 'Is this verified once?';
  answers(prompt, { '*': 'yes' });
  const checks = [
    { type: 'llm_judge' as const, rubric: 'Is it short?' },
    { type: 'verifier' as const, webhook: 'tests' },
  ];
  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks });
  expect(verifier.received).toHaveLength(1);
  const trail = await fleet.api.trail(job.id);
  const [judged] = judgedOf(trail);
  const judging = trail.find(({ event, purpose }) => event === 'attempt-settled' && purpose === 'judge')!;
  expect(checkOf(judged!, 'llm_judge')?.cost_usd).toBe(judging.cost_usd);
  expect(checkOf(judged!, 'verifier')).toMatchObject({ passed: true, score: 0.9 });
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
});

test('its verdict may come later, and fails the delivered answer then', async () => {
  verifier.answer = sayOnly(202);
  const prompt = 'Verify this tomorrow.';
  answers(prompt, { '*': 'soon', [TERRA]: 'sooner' });
  const job = await fleet.api.run({
    input: { prompt },
    task: 'classification',
    checks: [{ type: 'verifier', webhook: 'tests' }],
  });
  expect(job).toMatchObject({ status: 'completed', revision: 1, result: { text: 'soon', degraded: false } });
  const { revision } = (JSON.parse(verifier.received[0]!.body) as { data: { revision: number } }).data;
  const body = JSON.stringify({ revision, passed: false, reason: 'the tests have run: 1 fails' });
  const headers = { 'content-type': 'application/json' };
  await fleet.api.send(`/v1/jobs/${job.id}/verdict`, { method: 'POST', headers, body });
  const second = await fleet.api.until(job.id, (view) => hasEnded(view) && view.revision === 2);
  expect(second.result).toMatchObject({ text: 'sooner', tier: 'standard' });
});

test.each<[string, Receiver['answer'], string]>([
  ['is away', sayOnly(500), 'not verified: the receiver answered 500'],
  ['answers nonsense', replyWith({ ok: 'sure' }), 'not verified: what it answered can not be read'],
])('one that %s shuts no gate, unless the check says that it must', async (what, answer, reason) => {
  verifier.answer = answer;
  const prompt = `Who verifies this? (${what})`;
  answers(prompt, { '*': 'nobody' });
  const check = { type: 'verifier' as const, webhook: 'tests', timeout_s: 1 };
  const open = await fleet.api.run({ input: { prompt }, task: 'classification', checks: [check] });
  expect(open).toMatchObject({ escalations: 0, result: { degraded: false } });
  expect(checkOf(judgedOf(await fleet.api.trail(open.id))[0]!, 'verifier')).toMatchObject({ reason, weight: 0, gate: false });
  const shut = await fleet.api.run({ input: { prompt }, task: 'classification', checks: [{ ...check, gate: true }] });
  expect(shut).toMatchObject({ escalations: 2, result: { degraded: true } });
});

test('a job that names an endpoint which is not there is refused', async () => {
  const refused = await fleet.api.post({ input: { prompt: 'x' }, checks: [{ type: 'verifier', webhook: 'nowhere' }] });
  expect(refused).toMatchObject({ status: 422, body: { code: 'unknown_webhook', errors: [{ field: 'checks[0].webhook' }] } });
});

test('a judge that can not change what becomes of an answer is not asked', async () => {
  const prompt = 'Say something long.';
  answers(prompt, { '*': 'short' });
  const checks = [
    { type: 'length' as const, min_words: 3, weight: 9 },
    { type: 'llm_judge' as const, rubric: 'Is it long?', weight: 1 },
  ];
  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks, limits: { max_escalations: 0 } });
  const trail = await fleet.api.trail(job.id);
  expect(purposesOf(trail)).toEqual(['answer']);
  expect(checkOf(judgedOf(trail)[0]!, 'llm_judge')?.reason).toContain('can not change the verdict');
});

test.each([
  ['where it may be shifted up', { limits: { max_escalations: 0 } }],
  ['where it is accepted whatever its score', { model: LUNA }],
])('a judge compares an answer with that of another model, %s, blind, and all of it is on the bill', async (where, more) => {
  const prompt = `Name a good colour, ${where}.`;
  const rubric = 'Which is the better colour?';
  answers(prompt, { '*': 'mud', [LUNA]: 'mud', [TERRA]: 'azure' });
  for (const first of [true, false]) {
    const [, question] = comparisonMessages({ rubric, prompt, answer: 'mud', other: 'azure' }, first);
    const verdict = { better: first ? 'second' : 'first', reason: 'azure is a colour' };
    fleet.sandbox.book.add({ model: LUNA, key: bookKey(question!.content as string), answer: JSON.stringify(verdict) });
  }
  const checks = [{ type: 'llm_judge' as const, rubric, against: [TERRA] }];
  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks, ...more });
  const trail = await fleet.api.trail(job.id);
  expect(purposesOf(trail)).toEqual(['answer', 'sample', 'judge']);
  const check = checkOf(judgedOf(trail)[0]!, 'llm_judge')!;
  expect(check).toMatchObject({ passed: false, score: 0, reason: 'worse than the other answer: azure is a colour' });
  const asked = trail.flatMap(({ event, purpose, cost_usd: cost }) =>
    event === 'attempt-settled' && purpose !== 'answer' ? [cost ?? 0] : [],
  );
  expect(check.cost_usd).toBeCloseTo(
    asked.reduce((sum, cost) => sum + cost, 0),
    12,
  );
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
  expect(generationsOf(fleet, job.id)).toHaveLength(3);
});
