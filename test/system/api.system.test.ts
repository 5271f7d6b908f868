import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';

import type { JobView, ProblemView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { hasEnded } from './job-api.ts';
import type { Reply } from './job-api.ts';

const MAX_BACKLOG = 8;
const BODY_LIMIT = 20_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.intake = { max_backlog: MAX_BACKLOG, body_limit_bytes: BODY_LIMIT };
    },
  });
});

afterAll(() => fleet?.close());

function sendText(
  body: string | Uint8Array<ArrayBuffer>,
  contentType = 'application/json',
  path = '/v1/jobs',
): Promise<Reply<ProblemView>> {
  return fleet.api.send(path, { method: 'POST', headers: { 'content-type': contentType }, body });
}

/** As `curl -X POST` does: no body, and no length of one. With `chunked`, of unknown length. */
async function sendNoBody(path: string, chunked = false): Promise<Reply<ProblemView>> {
  const headers = { 'content-type': 'application/json' };
  const request = httpRequest(`${fleet.url('intake')}${path}`, { method: 'POST', headers });
  request.removeHeader('content-length');
  if (chunked) request.setHeader('transfer-encoding', 'chunked');
  else request.removeHeader('transfer-encoding');
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const body = (await json(response)) as ProblemView;
  return { status: response.statusCode ?? 0, headers: new Headers(response.headers as Record<string, string>), body };
}

function send(body: unknown): Promise<Reply<ProblemView>> {
  return sendText(JSON.stringify(body));
}

function fieldsOf({ body }: Reply<ProblemView>): string[] {
  return body.errors.map(({ field }) => field);
}

const input = { prompt: 'Hello.' };

interface Refusal {
  what: string;
  ask: () => Promise<Reply<ProblemView>>;
  status: number;
  code: string;
  says?: string;
}

const refusals: Refusal[] = [
  { what: 'a body that is no JSON', ask: () => sendText('{"input": '), status: 400, code: 'malformed_json' },
  {
    what: 'a body that is not UTF-8',
    ask: () => sendText(Buffer.from('{"input":{"prompt":"für"}}', 'latin1')),
    status: 400,
    code: 'malformed_json',
    says: 'the body is not UTF-8',
  },
  { what: 'a body that is no object', ask: () => sendText('[]'), status: 422, code: 'invalid_job' },
  { what: 'a body that is a text', ask: () => sendText('"hi"'), status: 422, code: 'invalid_job', says: 'must be an object' },
  { what: 'an empty body', ask: () => sendText(''), status: 400, code: 'malformed_json', says: 'the body is empty' },
  { what: 'no body', ask: () => sendNoBody('/v1/jobs'), status: 400, code: 'malformed_json', says: 'the body is empty' },
  {
    what: 'a body of unknown length that is empty',
    ask: () => sendNoBody('/v1/jobs', true),
    status: 400,
    code: 'malformed_json',
    says: 'the body is empty',
  },
  {
    what: 'something that is not there, though its body may be missing and is of unknown length',
    ask: () => sendNoBody('/v1/experiments/none/pause', true),
    status: 404,
    code: 'not_found',
  },
  {
    what: 'another media type',
    ask: () => sendText('{}', 'text/plain'),
    status: 415,
    code: 'unsupported_media_type',
    says: 'application/json',
  },
  {
    what: 'a body of another type where one may be missing',
    ask: () => fleet.api.send('/v1/experiments/none/promote', { method: 'POST', body: '{"arm":"stable"}' }),
    status: 415,
    code: 'unsupported_media_type',
    says: 'Content-Type is text/plain',
  },
  {
    what: 'an arm for a command that ends all of them',
    ask: () => sendText('{"arm":"stable"}', 'application/json', '/v1/experiments/none/abort'),
    status: 422,
    code: 'invalid_experiment',
    says: 'arm: is not known here; known: none',
  },
  {
    what: 'a body that is too large',
    ask: () => send({ input: { prompt: 'x'.repeat(BODY_LIMIT) } }),
    status: 413,
    code: 'body_too_large',
    says: String(BODY_LIMIT),
  },
  {
    what: 'a job that is not there',
    ask: () => fleet.api.send('/v1/jobs/job_0none'),
    status: 404,
    code: 'not_found',
    says: 'job_0none',
  },
  {
    what: 'the trail of a job that is not there',
    ask: () => fleet.api.send(`/v1/jobs/job_0${'0'.repeat(30)}/trail`),
    status: 404,
    code: 'not_found',
  },
  {
    what: 'cancelling a job that is not there',
    ask: () => fleet.api.send(`/v1/jobs/job_0${'0'.repeat(30)}/cancel`, { method: 'POST' }),
    status: 404,
    code: 'not_found',
  },
  {
    what: 'an id that is no id',
    ask: () => fleet.api.send('/v1/jobs/..%2F%7Bupshift-0%7D:open'),
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a path that can not be decoded',
    ask: () => fleet.api.send('/v1/jobs/%E0%A4%A'),
    status: 404,
    code: 'not_found',
    says: 'can not be decoded',
  },
  { what: 'an unknown path', ask: () => fleet.api.send('/v2/jobs'), status: 404, code: 'not_found', says: '/openapi.json' },
  {
    what: 'an unknown method',
    ask: () => fleet.api.send('/v1/jobs', { method: 'DELETE' }),
    status: 405,
    code: 'method_not_allowed',
    says: 'POST',
  },
  {
    what: 'an unknown route',
    ask: () => send({ input, route: 'nowhere' }),
    status: 422,
    code: 'unknown_route',
    says: 'default, chat',
  },
  {
    what: 'a route named like a part of every object',
    ask: () => send({ input, route: 'constructor' }),
    status: 422,
    code: 'unknown_route',
  },
  {
    what: 'an unknown model',
    ask: () => send({ input, model: 'openai/gpt-2' }),
    status: 422,
    code: 'unknown_model',
    says: 'openai/gpt-6-luna',
  },
  { what: 'a misspelt field', ask: () => send({ input, tsk: 'chat' }), status: 422, code: 'invalid_job', says: 'tsk' },
  {
    what: 'a pattern that does not compile',
    ask: () => send({ input, checks: [{ type: 'regex', pattern: '(' }] }),
    status: 422,
    code: 'invalid_job',
    says: 'checks[0].pattern',
  },
  {
    what: 'a schema that is none',
    ask: () => send({ input, checks: [{ type: 'json_schema', schema: { type: 'nonsense' } }] }),
    status: 422,
    code: 'invalid_job',
    says: 'checks[0].schema',
  },
  {
    what: 'the choice of a tool where there is none',
    ask: () => send({ input: { prompt: 'Hello.', tool_choice: 'required' } }),
    status: 422,
    code: 'invalid_job',
    says: 'input.tool_choice: is required, but there are no tools',
  },
  {
    what: 'a deadline that is past',
    ask: () => send({ input, limits: { deadline: '2020-01-01T00:00:00Z' } }),
    status: 422,
    code: 'invalid_job',
    says: 'limits.deadline',
  },
];

test.each(refusals)('$what is refused with $status $code', async ({ ask, status, code, says = '' }) => {
  const reply = await ask();

  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(reply).toMatchObject({ status, body: { status, code, type: `urn:upshift:problem:${code}` } });
  expect(reply.body.title).not.toBe('');
  expect(reply.body.detail).toContain(says);
});

test.each([
  ['GET', `/v1/jobs/job_0${'0'.repeat(30)}/cancel`, 'POST'],
  ['POST', '/openapi.json', 'GET'],
  ['POST', '/livez', 'GET'],
  ['DELETE', '/metrics', 'GET'],
])('a method that is not allowed names the one that is: %s %s', async (method, path, allowed) => {
  const reply = await fleet.api.send(path, { method });
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, allowed]);
});

test('a job that is not in quarantine is not told to be gone', async () => {
  const { id } = await fleet.api.run({ input, task: 'classification' });
  const reply = await fleet.api.send(`/v1/quarantine/${id}`, { method: 'DELETE' });
  expect(reply).toMatchObject({ status: 404, body: { code: 'not_found', detail: `there is no job ${id} in quarantine` } });
});

test.each([
  ['respond-async, Wait = "20"', '20'],
  ['wait=99999999999', '55'],
  ['wait="20";x=1', '20'],
  ['wait=20 respond-async', '20'],
])('a client may write its preference as RFC 7240 allows: %s', async (prefer, applied) => {
  const headers = { 'content-type': 'application/json', prefer };
  const body = JSON.stringify({ input, task: 'classification' });
  const reply = await fleet.api.send('/v1/jobs', { method: 'POST', headers, body });
  expect([reply.status, reply.headers.get('preference-applied')]).toEqual([200, `wait=${applied}`]);
});

test('a request that names a host, even one that is none, is read like any other', async () => {
  const request = httpRequest(fleet.url('intake'), { path: 'http://nowhere:99999/v1/jobs?limit=1' }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect([response.statusCode, await json(response)]).toMatchObject([200, { object: 'list' }]);
});

test('all bad fields are told at once', async () => {
  const reply = await send({
    input: { messages: [{ role: 'user', content: 'x' }], temperature: 7 },
    route: 'No Route',
    model: 'no-slash',
    priority: 'urgent',
    checks: [{ type: 'length', min_words: -1 }],
    metadata: { answer: 42 },
    limits: { cost_usd: 0 },
  });

  expect(reply).toMatchObject({ status: 422, body: { code: 'invalid_job' } });
  expect(fieldsOf(reply)).toEqual(
    expect.arrayContaining([
      'input.temperature',
      'route',
      'model',
      'priority',
      'checks[0].min_words',
      'metadata.answer',
      'limits.cost_usd',
    ]),
  );
});

test('a job that no model can do is refused with every model and what it lacks', async () => {
  const tools = [{ name: 'look', parameters: { type: 'object' } }];
  const reply = await send({ input: { prompt: 'x', temperature: 1, tools }, require: ['temperature'] });

  expect(reply).toMatchObject({ status: 422, body: { code: 'no_capable_model' } });
  const lacking = new Map(reply.body.errors.map(({ value, message }) => [value, message]));
  expect(new Set(lacking.keys())).toEqual(new Set(Object.keys(fleet.config().models)));
  expect(lacking.get('ollama/llama3.1:8b')).toBe('lacks tools');
  expect(lacking.get('openai/gpt-6-luna')).toBe('lacks temperature');
});

test('a pinned model that can not do the job is named with what it lacks', async () => {
  const reply = await send({ input: { texts: ['x'] }, model: 'openai/gpt-6-luna' });
  expect(reply.body).toMatchObject({
    code: 'no_capable_model',
    errors: [{ field: 'model', value: 'openai/gpt-6-luna', message: 'lacks embedding' }],
  });
});

const tricky = [
  '{"input":{"prompt":"x"},"__proto__":{"polluted":true}}',
  '{"input":{"prompt":"x"},"constructor":{"prototype":{"polluted":true}}}',
  '{"input":{"prompt":"x","__proto__":{"tools":7}}}',
  '{"input":{"prompt":"x"},"metadata":{"__proto__":"polluted","constructor":"polluted","toString":"polluted"}}',
  '{"input":{"prompt":"x"},"metadata":{"__proto__":{"polluted":"yes"}}}',
  '{"input":{"prompt":"x"},"task":"constructor"}',
  '{"input":{"prompt":"x"},"model":"constructor/prototype"}',
  '{"__proto__":{"input":{"prompt":"x"}}}',
];

test.each(tricky)('names of parts of every object do no harm: %s', async (body) => {
  const reply = await sendText(body);
  expect([202, 422]).toContain(reply.status);
  if (reply.status === 202) await fleet.api.until((reply.body as unknown as JobView).id, hasEnded);

  const plain = await fleet.api.run({ input, task: 'classification' });
  expect(plain).toMatchObject({ status: 'completed', metadata: {} });
  expect(plain).not.toHaveProperty('polluted');
});

test('metadata may have any names, and comes back as it was', async () => {
  const metadata = { constructor: 'a', toString: 'b', 'with space': 'ü' };
  expect((await fleet.api.run({ input, metadata })).metadata).toEqual(metadata);
});

test('above the backlog limit new jobs are put off, and taken again when the backlog is worked off', async () => {
  fleet.sandbox.settings.change({ hold: true });
  const accepted = await Promise.all(
    Array.from({ length: MAX_BACKLOG }, () => fleet.api.post({ input, task: 'classification' })),
  );
  expect(accepted.map(({ status }) => status)).toEqual(Array(MAX_BACKLOG).fill(202));

  const refused = await send({ input });
  expect(refused).toMatchObject({ status: 503, body: { code: 'backlog_full' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

  fleet.sandbox.settings.change({ hold: false });
  for (const { body } of accepted) expect(await fleet.api.until(body.id, hasEnded)).toMatchObject({ status: 'completed' });
  expect(await fleet.api.run({ input })).toMatchObject({ status: 'completed' });
});

async function isTakenAgain(): Promise<void> {
  await vi.waitFor(async () => expect((await send({ input })).status).toBe(202), { timeout: 15_000, interval: 100 });
}

async function expectUnavailable(): Promise<void> {
  const reply = await send({ input });
  expect(reply).toMatchObject({ status: 503, body: { code: 'queue_unavailable' } });
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
}

test('while Redis is away new jobs are put off; afterwards all goes on by itself and nothing accepted is lost', async () => {
  fleet.sandbox.settings.change({ hold: true });
  const accepted = await Promise.all(Array.from({ length: 5 }, () => fleet.api.post({ input, task: 'classification' })));
  await vi.waitFor(() => expect(fleet.sandbox.inFlight()).toBe(5), { timeout: 10_000 });

  await fleet.redis.stop();
  await expectUnavailable();
  const [live, ready] = await Promise.all(['/livez', '/readyz'].map((path) => fetch(fleet.url('intake') + path)));
  expect([live?.status, ready?.status]).toEqual([200, 503]);
  fleet.sandbox.settings.change({ hold: false });
  await fleet.redis.start();

  await isTakenAgain();
  for (const { body } of accepted)
    expect(await fleet.api.until(body.id, hasEnded)).toMatchObject({ status: 'completed', attempts: 1 });
  expect(fleet.sandbox.ledger.summary().duplicates).toEqual([]);
});

test('a Redis that hangs is answered for in time, too', async () => {
  fleet.redis.signal('SIGSTOP');
  try {
    await expectUnavailable();
  } finally {
    fleet.redis.signal('SIGCONT');
  }
  await isTakenAgain();
});
