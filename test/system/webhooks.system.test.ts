import type { AddressInfo } from 'node:net';

import type { DeliveryView } from '@upshift/contracts';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import type { Reply } from './job-api.ts';
import { sayOnly, startReceiver, verified } from './receiver.ts';
import type { Received, Receiver } from './receiver.ts';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'notifier', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true, timeout_s: 5, retry_after_s: [0.05, 0.05] };
      config.routes['told'] = { ...config.routes['default']!, webhook: 'of-route' };
    },
  });
});
afterAll(() => fleet?.close());

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
  receiver.answer = sayOnly(204);
});
afterEach(() => receiver.close());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${fleet.url('intake')}/v1/webhooks${path}`, { method, ...init });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

async function create(name: string, url = receiver.url, payload = 'thin'): Promise<string> {
  const { status, body } = await call('POST', '', { name, url, payload });
  expect(status).toBe(201);
  return (body as { secret: string }).secret;
}

async function runJob(webhook: string | null, route = 'default'): Promise<string> {
  return (await fleet.api.run({ input: { prompt: 'Tell them.' }, route, webhook, metadata: { order: '7' } })).id;
}

/** The log line of a job's delivery once it is as wanted. */
function delivery(name: string, job: string, wanted: DeliveryView['status']): Promise<DeliveryView> {
  return vi.waitFor(
    async () => {
      const { body } = await call('GET', `/${name}/deliveries`);
      const found = (body as { data: DeliveryView[] }).data.find((one) => one.job === job);
      if (found?.status !== wanted) throw new Error(`the delivery is ${JSON.stringify(found)}`);
      return found;
    },
    { timeout: 20_000 },
  );
}

function signedBy(received: Received, secret: string): boolean {
  try {
    verified(received, secret);
    return true;
  } catch {
    return false;
  }
}

test('the end of a job is told to its endpoint, signed so that two vendors’ libraries verify it, without the answer', async () => {
  const secret = await create('signed');
  const id = await runJob('signed');
  await delivery('signed', id, 'delivered');
  const [told] = receiver.received;
  expect(signedBy(told!, secret)).toBe(true);
  expect(signedBy(told!, await create('another'))).toBe(false);
  const unwrapped = await new OpenAI({ apiKey: 'none' }).webhooks.unwrap(told!.body, told!.headers, secret);
  expect(unwrapped).toMatchObject({
    type: 'job.completed',
    data: { id, revision: 1, status: 'completed', route: 'default', metadata: { order: '7' } },
  });
  expect(told!.body).not.toContain('result');
});

test('a route names an endpoint for its jobs, and a payload may hold the whole job', async () => {
  const refused = await fleet.api.send('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: { prompt: 'Hello.' }, route: 'told' }),
  });
  expect(refused).toMatchObject({ status: 422, body: { code: 'unknown_webhook' } });
  await create('of-route', receiver.url, 'full');
  const id = await runJob(null, 'told');
  await delivery('of-route', id, 'delivered');
  expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
    data: { id, object: 'job', result: { text: expect.any(String) } },
  });
});

test('a late verdict fails a delivered answer: the next tier answers and the end is told again, once', async () => {
  const answers = {
    'openai/gpt-6-luna': 'The cheap answer.',
    'anthropic/claude-haiku-5-5': 'The cheap answer.',
    '*': 'The dear answer.',
  };
  for (const [model, answer] of Object.entries(answers))
    fleet.sandbox.book.add({ model, key: bookKey('Answer me this.'), answer });
  await create('told-twice');
  const first = await fleet.api.run({ input: { prompt: 'Answer me this.' }, task: 'classification', webhook: 'told-twice' });
  expect(first).toMatchObject({ revision: 1, result: { text: 'The cheap answer.', tier: 'economy' } });
  const verdict = { revision: 1, passed: false, reason: 'two of five tests fail' };
  const reopened = await judge(first.id, verdict);
  expect(reopened).toMatchObject({
    status: 200,
    body: { revision: 2, status: 'in_progress', result: { text: 'The cheap answer.' } },
  });
  expect(await judge(first.id, verdict)).toMatchObject({ status: 200, body: { revision: 2 } });
  const second = await fleet.api.until(first.id, ({ status }) => status === 'completed');
  expect(second).toMatchObject({
    revision: 2,
    escalations: 1,
    attempts: 2,
    result: { text: 'The dear answer.', tier: 'standard' },
  });
  await vi.waitFor(() => expect(toldRevisions(first.id)).toEqual([1, 2]), 20_000);
  const reopening = (await fleet.api.trail(first.id)).filter(({ event }) => event === 'job-reopened');
  expect(reopening).toMatchObject([{ revision: 2, attempt: 1, reason: expect.stringContaining('two of five tests fail') }]);
});

function judge(id: string, verdict: unknown): Promise<Reply<unknown>> {
  const headers = { 'content-type': 'application/json' };
  return fleet.api.send(`/v1/jobs/${id}/verdict`, { method: 'POST', headers, body: JSON.stringify(verdict) });
}

/** The revisions of a job's results that the receiver was told of. */
function toldRevisions(id: string): number[] {
  const told = receiver.received.map(({ body }) => (JSON.parse(body) as { data: { id: string; revision: number } }).data);
  return told.filter((data) => data.id === id).map(({ revision }) => revision);
}

test('a verdict that can not be used is refused with the reason', async () => {
  const { id } = await fleet.api.run({ input: { prompt: 'Tell them.' } });
  expect(await judge(id, { passed: 'no' })).toMatchObject({
    status: 422,
    body: { code: 'invalid_verdict', errors: [{ field: 'revision' }, { field: 'passed', value: 'no' }, { field: 'reason' }] },
  });
  expect(await judge(id, { revision: 2, passed: false, reason: 'wrong' })).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'revision', value: 2, message: 'the job has come to revision 1' }] },
  });
  const cancelled = await fleet.api.post({ input: { prompt: 'Never answered.' }, model: 'openai/gpt-6.1-sol' });
  expect(await judge(cancelled.body.id, { revision: 1, passed: false, reason: 'wrong' })).toMatchObject({
    status: 409,
    body: { code: 'job_not_ended' },
  });
  await fleet.api.cancel(cancelled.body.id);
  expect(await judge(cancelled.body.id, { revision: 1, passed: false, reason: 'wrong' })).toMatchObject({
    status: 409,
    body: { code: 'not_judgeable' },
  });
});

test('a failed delivery is tried again under the same id and signed anew, and the log tells of both', async () => {
  await create('retried');
  receiver.answer = (_received, response) => void response.writeHead(receiver.received.length === 1 ? 500 : 200).end();
  const id = await runJob('retried');
  const { attempts } = await delivery('retried', id, 'delivered');
  expect(attempts.map(({ status }) => status)).toEqual([500, 200]);
  const [first, second] = receiver.received;
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
  expect(second!.body).toBe(first!.body);
});

test('what can not be delivered fails after the last pause, and goes out again when somebody asks, under the same id', async () => {
  await create('down');
  receiver.answer = (_received, response) => void response.writeHead(302, { location: `${receiver.url}-elsewhere` }).end();
  const id = await runJob('down');
  const failed = await delivery('down', id, 'failed');
  expect(failed.attempts.map(({ status }) => status)).toEqual([302, 302, 302]);
  expect(receiver.received.map(({ path }) => path)).toEqual(['/asked', '/asked', '/asked']);
  receiver.answer = sayOnly(200);
  expect(await call('POST', '/down/redeliver', { status: 'failed' })).toMatchObject({ status: 202, body: { redelivered: 1 } });
  await delivery('down', id, 'delivered');
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

test('410 ends an endpoint: nothing more is sent until it is enabled again', async () => {
  await create('gone');
  receiver.answer = sayOnly(410);
  await delivery('gone', await runJob('gone'), 'disabled');
  const second = await runJob('gone');
  await delivery('gone', second, 'disabled');
  expect(receiver.received).toHaveLength(1);
  expect((await call('GET', '/gone')).body).toMatchObject({
    enabled: false,
    disabled_reason: expect.stringContaining('410'),
  });
  receiver.answer = sayOnly(200);
  expect((await call('POST', '/gone/redeliver', { job: second })).status).toBe(422);
  await call('POST', '/gone/enable');
  await call('POST', '/gone/redeliver', { job: second });
  await delivery('gone', second, 'delivered');
});

test('a secret is shown when it is made and never again; after rotations all sign', async () => {
  const old = await create('rotated');
  const shown = JSON.stringify([(await call('GET', '')).body, (await call('GET', '/rotated')).body]);
  expect(shown).not.toContain('whsec_');
  const rotate = async (): Promise<string> => ((await call('POST', '/rotated/rotate')).body as { secret: string }).secret;
  const secrets = [old, await rotate(), await rotate()];
  expect(new Set(secrets).size).toBe(3);
  await delivery('rotated', await runJob('rotated'), 'delivered');
  expect(secrets.map((secret) => signedBy(receiver.received[0]!, secret))).toEqual([true, true, true]);
  expect(fleet.output()).not.toContain('whsec_');
});

test('a notifier that is killed while a receiver thinks delivers after its restart', async () => {
  await create('slow');
  const held = Promise.withResolvers<void>();
  receiver.answer = () => held.resolve();
  const id = await runJob('slow');
  await held.promise;
  await fleet.kill('notifier');
  receiver.answer = sayOnly(200);
  await fleet.start('notifier');
  await delivery('slow', id, 'delivered');
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

test('a bad endpoint is refused with all its bad fields, and a name is taken once', async () => {
  await create('taken');
  expect(await call('POST', '', { name: 'taken', url: receiver.url })).toMatchObject({
    status: 409,
    body: { code: 'webhook_exists' },
  });
  expect(await call('POST', '', { name: 'Bad Name', url: 'nowhere' })).toMatchObject({
    status: 422,
    body: {
      code: 'invalid_webhook',
      errors: [
        { field: 'name', value: 'Bad Name' },
        { field: 'url', value: 'nowhere', message: 'is not a URL; as in https://example.com/hooks' },
      ],
    },
  });
  expect(await call('POST', '', { name: 'bad', url: 'nowhere' })).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'url' }] },
  });
  expect(await call('POST', '/taken/redeliver', { jobs: 'all' })).toMatchObject({
    status: 422,
    body: {
      errors: [{ field: 'the body', value: { jobs: 'all' }, message: 'must be {"job": "job_…"} or {"status": "failed"}' }],
    },
  });
  // As long as a body may be: what took all memory a thousand times over.
  expect((await call('POST', '/taken/redeliver', { job: 'x'.repeat(1_900_000) })).status).toBe(422);
  expect((await call('DELETE', '/taken')).status).toBe(204);
  expect((await call('DELETE', '/taken')).status).toBe(404);
});

test('outside of development a name that leads to this machine gets no request, and the log says why', async () => {
  await create('inside', `https://localhost:${(receiver.server.address() as AddressInfo).port}/`);
  await fleet.stop('notifier');
  await fleet.configure((config) => {
    config.webhooks = { allow_private_addresses: false, retry_after_s: [] };
  });
  await fleet.start('notifier');
  const connections: unknown[] = [];
  receiver.server.on('connection', (socket) => connections.push(socket));
  const byPort = await delivery('inside', await runJob('inside'), 'failed');
  expect(byPort.attempts[0]?.error).toContain('port');
  await create('inside-443', 'https://localhost/');
  const byName = await delivery('inside-443', await runJob('inside-443'), 'failed');
  expect(byName.attempts[0]?.error).toMatch(/localhost resolves to (127\.0\.0\.1|::1), which is no public address/);
  expect(connections).toEqual([]);

  await fleet.stop('intake');
  await fleet.start('intake');
  const errorsOf = (url: string) => call('POST', '', { name: 'outside', url }).then(({ body }) => body);
  expect(await errorsOf('http://127.0.0.1/')).toMatchObject({
    errors: [{ message: 'must begin with https://; webhooks.allow_private_addresses lifts that for development' }],
  });
  expect(await errorsOf('https://me@example.com/')).toMatchObject({
    errors: [{ message: 'must hold no user name or password' }],
  });
});
