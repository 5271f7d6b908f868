import type { JobView, TrailEntry } from '@upshift/contracts';
import { classifierOf } from '@upshift/routing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { asData } from '../../packages/routing/src/as-data.ts';
import { bookKey } from '../sandbox/book.ts';
import { billOf } from './bill.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { replyWith, startReceiver, verified } from './receiver.ts';
import type { Receiver } from './receiver.ts';

/** Longest that a model may take to classify: far longer than the sandbox takes, unless told to. */
const TIMEOUT_S = 3;
const MARGIN = 0.05;
const JUDGE = 'openai/gpt-6-luna';

let fleet: Fleet;
let service: Receiver;
let secret: string;

beforeAll(async () => {
  service = await startReceiver();
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard', 'worker-premium'],
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true };
      config.classifier.llm = { models: [JUDGE], timeout_s: TIMEOUT_S, margin: MARGIN };
      config.classifier.http = { webhook: 'hardness', timeout_s: 1 };
      const route = config.routes['default']!;
      config.routes['asked'] = { ...route, classifier: 'llm' };
      config.routes['near'] = { ...route, classifier: 'hybrid' };
      config.routes['served'] = { ...route, classifier: 'http' };
      config.routes['ruled'] = { ...route, classifier: 'rules' };
    },
  });
  const made = await fetch(`${fleet.url('intake')}/v1/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'hardness', url: service.url }),
  });
  secret = ((await made.json()) as { secret: string }).secret;
});
afterAll(async () => {
  await fleet?.close();
  service?.close();
});
beforeEach(() => {
  service.received.length = 0;
});

/** The model that is asked how complex a prompt is answers this. */
function says(prompt: string, answer: string, latencyMs = 0): void {
  fleet.sandbox.book.add({ model: JUDGE, key: bookKey(asData({ prompt })), answer, latency_ms: latencyMs });
}

async function run(prompt: string, route: string): Promise<{ job: JobView; trail: TrailEntry[]; started: TrailEntry }> {
  const job = await fleet.api.run({ input: { prompt }, route });
  expect(job.status).toBe('completed');
  const trail = await fleet.api.trail(job.id);
  return { job, trail, started: trail.find(({ event }) => event === 'job-classified')! };
}

const purposes = (trail: TrailEntry[]): (string | undefined)[] =>
  trail.flatMap(({ event, purpose }) => (event === 'attempt-settled' || event === 'attempt-failed' ? [purpose] : []));

test('a cheap model says where a job starts, as an attempt of its own that is on the bill', async () => {
  const prompt = 'How many colours are there?';
  says(prompt, JSON.stringify({ complexity: 0.95, confidence: 0.8, reason: 'depends on who counts' }));
  const { job, trail, started } = await run(prompt, 'asked');
  expect(started).toMatchObject({ tier: 'premium', complexity: 0.95 });
  expect(started.reason).toContain(`${JUDGE}: depends on who counts`);
  expect(purposes(trail)).toEqual(['classify', 'answer']);
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
  const classifying = trail.find(({ event, purpose }) => event === 'attempt-settled' && purpose === 'classify')!;
  expect(classifying.cost_usd).toBeGreaterThan(0);
});

test.each([
  ['no JSON', 'It is hard.'],
  ['a complexity that is none', '{"complexity": 7}'],
])('where a model answers with %s the trained classifier has the word', async (kind, answer) => {
  const prompt = `What is the capital of France? (${kind})`;
  says(prompt, answer);
  const { trail, started } = await run(prompt, 'asked');
  expect(started.reason).toContain(`what ${JUDGE} answered can not be read`);
  expect(purposes(trail)).toEqual(['classify', 'answer']);
});

test('a model that does not answer in time is not waited for, asked once, and its circuit stays closed', async () => {
  const prompt = 'Which way is up?';
  says(prompt, '{"complexity": 1}', 60_000);
  const { trail, started } = await run(prompt, 'asked');
  expect(started.reason).toContain(`${JUDGE} gave no answer in time`);
  expect(purposes(trail)).toEqual(['classify', 'answer']);
  const health = (await (await fetch(`${fleet.url('intake')}/v1/health/models`)).json()) as {
    data: { model: string; state: string }[];
  };
  expect(health.data.find(({ model }) => model === JUDGE)?.state).toBe('ready');
});

test('a hybrid asks a model only where the trained classifier is near a threshold', async () => {
  const clear = promptWhere((distance) => distance > MARGIN);
  expect(purposes((await run(clear, 'near')).trail)).toEqual(['answer']);
  const doubtful = promptWhere((distance) => distance <= MARGIN);
  says(doubtful, '{"complexity": 0.9, "confidence": 1, "reason": "of what?"}');
  const { trail, started } = await run(doubtful, 'near');
  expect(started).toMatchObject({ tier: 'premium', complexity: 0.9 });
  expect(purposes(trail)).toEqual(['classify', 'answer']);
});

/** A prompt whose complexity, by the trained classifier, is so far from the next threshold. */
function promptWhere(holds: (distance: number) => boolean): string {
  const works = ['Add', 'Prove a theorem about', 'Classify', 'Write a function for', 'Is it half of'];
  const prompts = works.flatMap((work) =>
    Array.from({ length: 40 }, (_, count) => `${work} ${Array.from({ length: count }, (__, n) => n + 2).join(' and ')}.`),
  );
  const { thresholds } = fleet.config().classifier;
  const found = prompts.find((prompt) => {
    const { complexity } = classifierOf('trained')({ prompt, systemPrompt: '', task: null, structured: false, tools: 0 });
    return holds(Math.min(...thresholds.map((at) => Math.abs(complexity - at))));
  });
  if (found === undefined) throw new Error('no such prompt; give more kinds of them');
  return found;
}

test('the hand-set rules are a classifier too, and a rule of the task spares the asking', async () => {
  const { started } = await run('Prove the theorem.', 'ruled');
  expect(started.reason).toContain('proof or derivation');
  const job = await fleet.api.run({ input: { prompt: 'Which team?' }, task: 'classification', route: 'asked' });
  expect(purposes(await fleet.api.trail(job.id))).toEqual(['answer']);
});

test("a user's own service is asked with a signed request and says where a job starts", async () => {
  service.answer = replyWith({ complexity: 0.9, reason: 'our model says so' });
  const { job, trail, started } = await run('How long is a string?', 'served');
  expect(started).toMatchObject({ tier: 'premium', complexity: 0.9 });
  expect(started.reason).toContain('hardness: our model says so');
  expect(purposes(trail)).toEqual(['answer']);
  expect(verified(service.received[0]!, secret)).toMatchObject({
    type: 'prompt.classify',
    data: { job: job.id, prompt: 'How long is a string?', route: 'served' },
  });
  // Of the job alone, and not of this try: by it the service knows a question that it has answered.
  expect(service.received[0]!.headers['webhook-id']).toBe(`msg_${job.id}_classify`);
});

test.each<[string, Receiver['answer'], string]>([
  ['fails', (_received, response) => void response.writeHead(503).end(), 'the receiver answered 503'],
  ['is silent', () => undefined, 'no answer within 1 s'],
  ['answers nonsense', replyWith({ complexity: 'very' }), 'can not be read'],
  [
    'sends elsewhere',
    (_received, response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
    'answered 302',
  ],
  ['answers at length', replyWith({ complexity: 0.9, reason: 'x'.repeat(20_000) }), 'longer than 10000 bytes'],
])('where the service %s, the trained classifier has the word', async (what, answer, reason) => {
  service.answer = answer;
  const { started } = await run(`What is the capital of Peru? (${what})`, 'served');
  expect(started.reason).toContain(reason);
  expect(started.tier).toBe('economy');
});
