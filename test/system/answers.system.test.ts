import type { JobView, TrailEntry } from '@upshift/contracts';
import { judgeMessages } from '@upshift/routing';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { connect } from '../../packages/queues/src/connection.ts';
import { keysLike } from '../queues/setting.ts';
import { bookKey } from '../sandbox/book.ts';
import { billOf, generationsOf } from './bill.ts';
import { CONSOLE_PASSWORD, programs, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { eventsOf, hasEnded } from './job-api.ts';

/** In all prompts of the test of secrecy, and nowhere else. */
const MARKER = 'xylophone-4711-never-to-be-seen';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet?.close());

function answer(model: string, prompt: string, text: string, usage = { input_tokens: 10, output_tokens: 10 }): void {
  fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: text, usage });
}

/** The judge that is asked about this answer gives it this score. */
function judge(subject: { rubric: string; prompt: string; answer: string }, score: number): void {
  const question = judgeMessages(subject)[1]?.content as string;
  answer('*', question, JSON.stringify({ score, reason: 'as the test says' }));
}

function costsOf(trail: TrailEntry[]): number {
  return (
    trail
      .flatMap(({ event, cost_usd: cost }) => (event === 'attempt-settled' ? [Math.round((cost ?? 0) * 1e9)] : []))
      .reduce((sum, cost) => sum + cost, 0) / 1e9
  );
}

test('a job is accepted at once and its result, trail, usage and cost can be read afterwards', async () => {
  const prompt = 'Which label fits: Great product, thank you?';
  answer('openai/gpt-6-luna', prompt, 'positive', { input_tokens: 1234, output_tokens: 57 });

  const accepted = await fleet.api.post({ input: { prompt }, task: 'classification', metadata: { order: '17' } });
  expect(accepted.status).toBe(202);
  expect(accepted.headers.get('location')).toBe(`/v1/jobs/${accepted.body.id}`);
  expect(Number(accepted.headers.get('retry-after'))).toBeGreaterThan(0);

  const job = await fleet.api.until(accepted.body.id, hasEnded);
  expect(job).toMatchObject({
    status: 'completed',
    task: 'classification',
    result: {
      text: 'positive',
      model: 'openai/gpt-6-luna',
      provider: 'openai',
      tier: 'economy',
      finish_reason: 'stop',
      score: 1,
      degraded: false,
      refusal: false,
    },
    reasons: [],
    usage: { input_tokens: 1234, output_tokens: 57 },
    cost_usd: 0.0001519,
    cost_unknown: false,
    attempts: 1,
    escalations: 0,
    metadata: { order: '17' },
  });
  const trail = await fleet.api.trail(job.id);
  expect(eventsOf(trail)).toEqual([
    'job-accepted',
    'job-classified',
    'attempt-claimed',
    'attempt-sent',
    'attempt-settled',
    'answer-judged',
    'job-completed',
  ]);
  expect(trail[4]).toMatchObject({
    attempt: 1,
    purpose: 'answer',
    model: 'openai/gpt-6-luna',
    usage: job.usage,
    cost_usd: job.cost_usd,
  });
  expect(billOf(fleet, job.id)).toBe(job.cost_usd);
});

test('who waits gets the result in the same request, and who waits too short a time gets the job', async () => {
  const slow = 'Summarize: the answer to this one takes a while.';
  fleet.sandbox.book.add({ model: '*', key: bookKey(slow), answer: 'Done.', latency_ms: 2500 });

  const [patient, hasty] = await Promise.all([
    fleet.api.post({ input: { prompt: 'What is the capital of France?' } }, { wait: 20 }),
    fleet.api.post({ input: { prompt: slow }, task: 'summarization' }, { wait: 1 }),
  ]);

  expect(patient).toMatchObject({ status: 200, body: { status: 'completed' } });
  expect(patient.headers.get('preference-applied')).toBe('wait=20');
  expect(hasty).toMatchObject({ status: 202, body: { result: null } });
  expect(await fleet.api.until(hasty.body.id, hasEnded)).toMatchObject({ status: 'completed', result: { text: 'Done.' } });
});

test('the values that a check looks for never reach a provider', async () => {
  const secret = 'a-gold-answer-nobody-may-see';
  const seen: string[] = [];
  const take = fleet.sandbox.faults.take.bind(fleet.sandbox.faults);
  fleet.sandbox.faults.take = (target) => (seen.push(target.text), take(target));

  const job = await fleet.api.run({
    input: { prompt: 'Say anything.' },
    task: 'classification',
    checks: [{ type: 'contains', values: [secret] }],
  });

  fleet.sandbox.faults.take = take;
  expect(job).toMatchObject({ status: 'completed', result: { degraded: true } });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen.join('\n')).not.toContain(secret);
});

test('an answer that fails a check shifts the job up from economy over standard to premium', async () => {
  const prompt = 'Classify this: seventeen lamps.';
  answer('openai/gpt-6-luna', prompt, 'wrong', { input_tokens: 101, output_tokens: 11 });
  answer('openai/gpt-6.1-terra', prompt, 'wrong too', { input_tokens: 103, output_tokens: 13 });
  answer('openai/gpt-6.1-sol', prompt, 'The right word is lamp.', { input_tokens: 107, output_tokens: 17 });

  const job = await fleet.api.run({
    input: { prompt },
    task: 'classification',
    checks: [{ type: 'regex', pattern: '\\blamp\\b' }],
  });

  expect(job).toMatchObject({ status: 'completed', escalations: 2, failovers: 0, fallbacks: 0, attempts: 3 });
  expect(job.result).toMatchObject({ tier: 'premium', model: 'openai/gpt-6.1-sol', degraded: false });
  const trail = await fleet.api.trail(job.id);
  const judged = trail.filter(({ event }) => event === 'answer-judged');
  expect(judged.map(({ tier, model }) => `${tier} ${model}`)).toEqual([
    'economy openai/gpt-6-luna',
    'standard openai/gpt-6.1-terra',
    'premium openai/gpt-6.1-sol',
  ]);
  expect(trail.filter(({ event }) => event === 'job-escalated').map(({ tier }) => tier)).toEqual(['standard', 'premium']);
  expect(judged[0]?.reason).toContain('regex');
  expect(job.usage).toEqual({ input_tokens: 311, output_tokens: 41 });
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
  expect(job.cost_usd).toBe(costsOf(trail));
});

test("a judge's score below the tier's threshold shifts the job up, and the judges are on the bill", async () => {
  const prompt = 'Classify by a rubric: blue or green?';
  const rubric = 'The answer names a colour.';
  answer('openai/gpt-6-luna', prompt, 'teal perhaps');
  answer('openai/gpt-6.1-terra', prompt, 'green');
  judge({ rubric, prompt, answer: 'teal perhaps' }, 0.79);
  judge({ rubric, prompt, answer: 'green' }, 0.7);

  const job = await fleet.api.run({ input: { prompt }, task: 'classification', checks: [{ type: 'llm_judge', rubric }] });

  expect(job).toMatchObject({
    status: 'completed',
    escalations: 1,
    attempts: 4,
    result: { text: 'green', tier: 'standard', score: 0.7 },
  });
  const trail = await fleet.api.trail(job.id);
  expect(trail.filter(({ event }) => event === 'attempt-settled').map(({ purpose }) => purpose)).toEqual([
    'answer',
    'judge',
    'answer',
    'judge',
  ]);
  expect(trail.filter(({ event }) => event === 'answer-judged').map(({ score }) => score)).toEqual([0.79, 0.7]);
  expect(generationsOf(fleet, job.id)).toHaveLength(4);
  expect(job.cost_usd).toBe(billOf(fleet, job.id));
});

test('an answer that fails a gate at the top goes to the fallback chain, and the best one is given, degraded, with reasons', async () => {
  const job = await fleet.api.run({
    input: { prompt: 'Never right.' },
    task: 'code_generation',
    checks: [{ type: 'one_of', values: ['impossible'] }],
  });

  expect(job).toMatchObject({ status: 'completed', escalations: 1, fallbacks: 1, attempts: 5, result: { degraded: true } });
  const judged = (await fleet.api.trail(job.id)).filter(({ event }) => event === 'answer-judged');
  expect(judged.map(({ tier }) => tier)).toEqual(['standard', 'premium', 'fallback', 'fallback', 'fallback']);
  for (const { model } of judged) expect(job.reasons.join('\n')).toContain(model);
});

test('a refusal is the result: no score, and never escalated', async () => {
  fleet.sandbox.faults.replace([{ model: '*', match: 'do something forbidden', kind: 'refusal' }]);

  const jobs = await Promise.all(
    ['classification', 'summarization', 'code_generation'].map((task) =>
      fleet.api.run({
        input: { prompt: `Please do something forbidden (${task}).` },
        task,
        checks: [{ type: 'regex', pattern: 'never there' }],
      }),
    ),
  );

  for (const job of jobs) {
    expect(job).toMatchObject({
      status: 'completed',
      escalations: 0,
      failovers: 0,
      attempts: 1,
      result: { refusal: true, finish_reason: 'refusal', score: null },
    });
    expect(job.cost_usd).toBe(billOf(fleet, job.id));
  }
});

test('an input that a provider refuses as invalid is not sent to any other model', async () => {
  const schema = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'], additionalProperties: false };
  const job = await fleet.api.run({
    input: { prompt: 'A schema without end.', response_format: { type: 'json_schema', name: 'endless', schema } },
    task: 'classification',
  });

  expect(job).toMatchObject({
    status: 'failed',
    attempts: 1,
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    result: null,
    cost_usd: 0,
  });
  expect(job.reasons.join('\n')).toContain('openai/gpt-6-luna');
});

test('a pinned model is the only one asked, whatever its answers are worth', async () => {
  const job = await fleet.api.run({
    input: { prompt: 'Only you.' },
    task: 'classification',
    model: 'anthropic/claude-sonnet-5-5',
    checks: [{ type: 'regex', pattern: 'never there' }],
  });

  expect(job).toMatchObject({
    status: 'completed',
    escalations: 0,
    fallbacks: 0,
    result: { model: 'anthropic/claude-sonnet-5-5', degraded: true },
  });
  expect(new Set(generationsOf(fleet, job.id).map(({ model }) => model))).toEqual(new Set(['anthropic/claude-sonnet-5-5']));
});

test('twenty posts of one body under one key are one job and one paid generation', async () => {
  const body = { input: { prompt: 'Only once, please.' }, task: 'classification' };
  const replies = await Promise.all(Array.from({ length: 20 }, () => fleet.api.post(body, { key: 'once', wait: 20 })));

  const ids = new Set(replies.map(({ body: job }) => job.id));
  expect(ids.size).toBe(1);
  expect(replies.every(({ status }) => status === 200)).toBe(true);
  const [id = ''] = ids;
  expect(generationsOf(fleet, id)).toHaveLength(1);
  expect(
    (await fleet.api.post({ task: 'classification', input: { prompt: 'Only once, please.' } }, { key: 'once' })).body.id,
  ).toBe(id);
});

test('another body under a key that is taken is refused', async () => {
  const first = await fleet.api.post({ input: { prompt: 'one' } }, { key: 'taken' });
  const other = await fleet.api.post({ input: { prompt: 'two' } }, { key: 'taken' });

  expect(first.status).toBe(202);
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  expect(JSON.stringify(other.body)).toContain(first.body.id);
});

test('an ended job that is submitted again twice under one key is one new job, also under its own key', async () => {
  const { id } = (await fleet.api.post({ input: { prompt: 'Again.' } }, { key: 'again', wait: 20 })).body;
  const retry = () => fleet.api.send(`/v1/jobs/${id}/retry`, { method: 'POST', headers: { 'idempotency-key': 'again' } });
  const replies = [await retry(), await retry()];
  expect(replies.map(({ status }) => status)).toEqual([202, 202]);
  const [first, second] = replies.map(({ headers }) => headers.get('location'));
  expect(first).toBe(second);
  expect(first).not.toBe(`/v1/jobs/${id}`);
});

test('every program answers its probes and shows its metrics', async () => {
  for (const name of programs) {
    const [live, ready, metrics] = await Promise.all(
      ['/livez', '/readyz', '/metrics'].map((path) => fetch(fleet.url(name) + path)),
    );
    expect([name, live?.status, ready?.status, metrics?.status]).toEqual([name, 200, 200, 200]);
    expect(await metrics?.text()).toContain('# TYPE upshift_attempts_total counter');
  }
});

test('the console asks for a login', async () => {
  const board = `${fleet.url('console')}/queues/api/queues`;
  const statuses = await Promise.all(
    ['', login('wrong password'), login(CONSOLE_PASSWORD)].map(
      async (authorization) => (await fetch(board, { headers: { authorization } })).status,
    ),
  );
  expect(statuses).toEqual([401, 401, 200]);
});

test('no prompt and no answer is seen in the console, in any log, or in any key of Redis but the record of its job', async () => {
  fleet.sandbox.faults.replace([{ model: 'openai/gpt-6-luna', match: MARKER, kind: 'server_error', times: 1 }]);
  const jobs = await Promise.all([
    fleet.api.run({
      input: { prompt: `Classify ${MARKER} A` },
      task: 'classification',
      checks: [{ type: 'llm_judge', rubric: 'Is it good?' }],
    }),
    fleet.api.run({
      input: { prompt: `Repeat ${MARKER} B` },
      task: 'code_generation',
      checks: [{ type: 'one_of', values: ['impossible'] }],
    }),
    fleet.api.run({ input: { texts: [`Embed ${MARKER} C`] } }),
  ]);
  expect(jobs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);

  const board = await readBoard();
  expect(board.queues).toEqual(expect.arrayContaining(['classify', 'score', 'fallback', 'tier.economy.openai~2Fgpt-6-luna']));
  expect(board.entries).toContain(jobs[0]?.id);
  expect(board.entries).not.toContain(MARKER);
  expect(fleet.output()).not.toContain(MARKER);
  expect(keysWith(MARKER, await dumpRedis())).toEqual(jobs.map(recordKey).toSorted());
});

function login(password: string): string {
  return `Basic ${Buffer.from(`upshift:${password}`).toString('base64')}`;
}

/** All that Bull Board tells of all queues. */
async function readBoard(): Promise<{ queues: string[]; entries: string }> {
  const read = async (query: string): Promise<string> => {
    const response = await fetch(`${fleet.url('console')}/queues/api/queues${query}`, {
      headers: { authorization: login(CONSOLE_PASSWORD) },
    });
    return response.text();
  };
  const names = (JSON.parse(await read('')) as { queues: { name: string }[] }).queues.map(({ name }) => name);
  const entries = await Promise.all(
    names.map((name) => read(`?activeQueue=${encodeURIComponent(name)}&status=latest&page=1&jobsPerPage=100`)),
  );
  return { queues: names.map((name) => name.replace(/^cell-\d+\./, '')), entries: entries.join('\n') };
}

function recordKey({ id }: JobView): string {
  return `{upshift-${Number.parseInt(id.charAt('job_'.length), 16)}}:job:${id}`;
}

function keysWith(text: string, dump: Map<string, string>): string[] {
  return [...dump].flatMap(([key, value]) => (`${key} ${value}`.includes(text) ? [key] : [])).toSorted();
}

/** Everything in Redis, as text. */
async function dumpRedis(): Promise<Map<string, string>> {
  const redis = connect(fleet.redis.url, { failFast: false });
  try {
    await redis.connect();
    const keys = await keysLike(redis, '*');
    return new Map(await Promise.all(keys.map(async (key) => [key, await dumpKey(redis, key)] as const)));
  } finally {
    redis.disconnect();
  }
}

async function dumpKey(redis: Redis, key: string): Promise<string> {
  const readers: Record<string, () => Promise<unknown>> = {
    string: () => redis.get(key),
    hash: () => redis.hgetall(key),
    list: () => redis.lrange(key, 0, -1),
    set: () => redis.smembers(key),
    zset: () => redis.zrange(key, '0', '-1'),
    stream: () => redis.xrange(key, '-', '+'),
  };
  const type = await redis.type(key);
  return JSON.stringify(type === 'none' ? null : await readers[type]?.());
}
