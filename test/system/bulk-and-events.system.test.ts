import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

import type { JobView, ProblemView, TrailEntry } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'steward', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.intake = { body_limit_bytes: 2000 };
    },
  });
});
afterAll(() => fleet?.close());

interface LineAnswer {
  line: number;
  id?: string;
  created?: boolean;
  error?: ProblemView;
}

async function sendBulk(lines: string[], headers: Record<string, string> = {}): Promise<LineAnswer[]> {
  const response = await fetch(`${fleet.url('intake')}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: lines.join('\n'),
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LineAnswer);
}

const jobLine = (prompt: string, more: object = {}): string => JSON.stringify({ input: { prompt }, ...more });

test('each line of a bulk request is answered in order, and a bad one harms no other', async () => {
  const answers = await sendBulk([
    jobLine('One.'),
    '{"input": ',
    '',
    JSON.stringify({ input: { prompt: 'Two.' }, rout: 'chat' }),
    jobLine('x'.repeat(3000)),
    jobLine('Three.', { route: 'nowhere' }),
    '[]',
    jobLine('Four.', { idempotency_key: '' }),
    jobLine('Five.'),
  ]);
  expect(answers.map(({ line, error }) => [line, error?.code ?? 'accepted'])).toEqual([
    [1, 'accepted'],
    [2, 'malformed_json'],
    [4, 'invalid_job'],
    [5, 'body_too_large'],
    [6, 'unknown_route'],
    [7, 'invalid_job'],
    [8, 'invalid_job'],
    [9, 'accepted'],
  ]);
  expect(answers[2]?.error?.errors[0]?.field).toBe('rout');
  for (const { id = '' } of [answers[0]!, answers.at(-1)!]) expect((await fleet.api.job(id)).id).toBe(id);
});

test('a line that is not UTF-8 is refused, for it would be another text', async () => {
  const body = Buffer.from(`${jobLine('für')}\n${jobLine('for')}`, 'latin1');
  const headers = { 'content-type': 'application/x-ndjson' };
  const response = await fetch(`${fleet.url('intake')}/v1/jobs`, { method: 'POST', headers, body });
  const [first, second] = (await response.text()).split('\n').map((line) => line && (JSON.parse(line) as LineAnswer));
  expect(first).toMatchObject({ line: 1, error: { code: 'malformed_json', detail: 'the line is not UTF-8' } });
  expect(second).toMatchObject({ line: 2, created: true });
});

test('a bulk request that is sent again under its key makes no job twice', async () => {
  const lines = Array.from({ length: 300 }, (_, index) => jobLine(`Question ${index}.`, { metadata: { batch: 'twice' } }));
  const first = await sendBulk(lines, { 'idempotency-key': 'twice' });
  const second = await sendBulk(lines, { 'idempotency-key': 'twice' });
  expect(first.every(({ created }) => created)).toBe(true);
  expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  expect(second.some(({ created }) => created)).toBe(false);
});

test.each([
  [{ 'content-encoding': 'gzip' }, 'Content-Encoding is gzip'],
  [{ 'content-type': 'application/x-ndjson; charset="UTF-16"' }, 'charset of Content-Type is UTF-16'],
])('lines that can not be read as they were meant are refused before any is answered: %o', async (headers, says) => {
  const all = { 'content-type': 'application/x-ndjson', ...headers };
  const refused = await fleet.api.send('/v1/jobs', { method: 'POST', headers: all, body: jobLine('Squeezed.') });
  expect(refused).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  expect(refused.body.detail).toContain(says);
});

test('a charset that is the usual one changes nothing', async () => {
  const answers = await sendBulk([jobLine('In UTF-8.')], { 'content-type': 'application/x-ndjson; Charset="utf-8"' });
  expect(answers).toMatchObject([{ line: 1, created: true }]);
});

interface Page {
  data: JobView[];
  last_id: string | null;
  has_more: boolean;
}

async function list(query: string): Promise<Page> {
  const response = await fetch(`${fleet.url('intake')}/v1/jobs?${query}`);
  return (await response.json()) as Page;
}

test('the list is walked page by page with a filter, and a parameter that is not known is refused', async () => {
  const lines = Array.from({ length: 25 }, (_, index) => jobLine(`Listed ${index}.`, { metadata: { batch: 'listed & co' } }));
  const ids = (await sendBulk(lines)).map(({ id = '' }) => id);
  const filter = `metadata.batch=${encodeURIComponent('listed & co')}`;
  const first = await list(`${filter}&limit=20`);
  const second = await list(`${filter}&limit=20&after=${first.last_id}`);
  expect([first.has_more, second.has_more]).toEqual([true, false]);
  expect([...first.data, ...second.data].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  const refused = await fleet.api.send('/v1/jobs?stat=queued&limit=0');
  expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_query' } });
  expect(refused.body.errors.map(({ field }) => field).toSorted()).toEqual(['limit', 'stat']);
});

test.each([
  ['/v1/jobs?limit=abc', 'limit', 'abc', 'must be a whole number from 1 to 100'],
  ['/v1/jobs?limit=-2.5', 'limit', '-2.5', 'must be a whole number from 1 to 100'],
  ['/v1/jobs?limit=1e400', 'limit', '1e400', 'must be a whole number from 1 to 100'],
  ['/v1/jobs?status=queued&status=failed', 'status', ['queued', 'failed'], 'is given twice'],
  ['/v1/jobs?metadata.a=1&metadata.b=1&metadata.a=2', 'metadata.a', ['1', '2'], 'is given twice'],
  ['/v1/events?event=job-failed&event=job-completed', 'event', ['job-failed', 'job-completed'], 'is given twice'],
  ['/v1/savings?days=', 'days', '', 'must be a whole number from 1 to 400'],
  ['/v1/jobs?after=job_1', 'after', 'job_1', 'the last_id of the page before'],
  ['/v1/jobs?status=done', 'status', 'done', '"completed"'],
  ['/v1/events?event=job-completed,job-ended', 'event[1]', 'job-ended', '"job-completed"'],
])('%s is refused with the parameter, its value and what would be right', async (path, field, value, says) => {
  const { status, body } = await fleet.api.send(path);
  expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_query' });
  expect(body.errors).toEqual([{ field, value, message: expect.stringContaining(says) as string }]);
});

/** A bulk request of which a test holds both ends. */
async function openBulk(): Promise<{ outgoing: ClientRequest; incoming: Promise<IncomingMessage> }> {
  const outgoing = httpRequest(`${fleet.url('intake')}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const incoming = once(outgoing, 'response').then(([response]) => response as IncomingMessage);
  outgoing.flushHeaders();
  return { outgoing, incoming };
}

test('answers come while the request is still being written', async () => {
  const { outgoing, incoming } = await openBulk();
  const lines = Array.from({ length: 64 }, (_, index) => `${jobLine(`Early ${index}.`)}\n`);
  outgoing.write(lines.join(''));
  const response = await incoming;
  const [chunk] = (await once(response, 'data')) as [Buffer];
  expect(JSON.parse(chunk.toString('utf8').split('\n')[0]!)).toMatchObject({ line: 1, created: true });
  outgoing.end();
  response.resume();
  await once(response, 'end');
});

test('a client that does not read its answers is not read from either', async () => {
  const { outgoing, incoming } = await openBulk();
  const response = await incoming;
  response.pause();
  const bad = '{"input": '.padEnd(60, ' ');
  const block = `${Array.from({ length: 1000 }, () => bad).join('\n')}\n`;
  let written = 0;
  // Each refused line is answered by some 300 bytes: what the sockets hold is full long before these are through.
  while (written < 2000 && outgoing.write(block)) written += 1;
  while (written < 2000 && (await drained(outgoing))) {
    written += 1;
    outgoing.write(block);
  }
  expect(written).toBeLessThan(2000);
  outgoing.destroy();
});

/** Whether the client's buffer gets empty while the server still reads. A server that does not leaves it full. */
async function drained(outgoing: ClientRequest): Promise<boolean> {
  const signal = AbortSignal.timeout(2000);
  return once(outgoing, 'drain', { signal }).then(
    () => true,
    () => false,
  );
}

interface ServerEvent {
  id: string | null;
  event: string;
  data: unknown;
}

/** Reads server-sent events until `last` says that it has seen enough. */
async function readEvents(
  path: string,
  last: (event: ServerEvent) => boolean,
  headers: Record<string, string> = {},
  onOpen: () => void = () => undefined,
): Promise<ServerEvent[]> {
  const response = await fetch(`${fleet.url('intake')}${path}`, { headers });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  onOpen();
  const events: ServerEvent[] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks.filter((one) => one.includes('data: '))) {
      const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
      events.push({ id: field('id'), event: field('event') ?? '', data: JSON.parse(field('data') ?? 'null') });
      if (last(events.at(-1)!)) return events;
    }
  }
  return events;
}

test('the events of a job are its trail, then its end; a client that comes back gets only what it missed', async () => {
  const { body } = await fleet.api.post({ input: { prompt: 'Follow me.' } });
  const events = await readEvents(`/v1/jobs/${body.id}/events`, () => false);
  const trail = await fleet.api.trail(body.id);
  expect(events.slice(0, -1).map(({ data }) => data)).toEqual(trail);
  expect(events.slice(0, -1).map(({ id }) => id)).toEqual(trail.map((_, index) => String(index + 1)));
  expect(events.at(-1)).toMatchObject({ event: 'end', data: { id: body.id, status: 'completed' } });
  const rest = await readEvents(`/v1/jobs/${body.id}/events`, () => false, { 'last-event-id': '3' });
  expect(rest.map(({ event }) => event)).toEqual([...trail.slice(3).map(({ event }) => event), 'end']);
  expect(await fleet.api.send(`/v1/jobs/${body.id}/events`, { headers: { 'last-event-id': 'x' } })).toMatchObject({
    status: 400,
  });
});

/** Held calls of jobs that tests before left behind would fill the slots of the model that a test waits for. */
async function untilAllJobsHaveEnded(): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const status of ['queued', 'in_progress']) expect((await list(`status=${status}`)).data).toEqual([]);
    },
    { timeout: 30_000 },
  );
}

test('a job that is watched while it waits is followed live to its end', async () => {
  await untilAllJobsHaveEnded();
  fleet.sandbox.settings.change({ hold: true });
  const { body } = await fleet.api.post({ input: { prompt: 'Watch me wait.' } });
  const watched = readEvents(`/v1/jobs/${body.id}/events`, ({ event }) => {
    if (event === 'attempt-sent') fleet.sandbox.settings.change({ hold: false });
    return false;
  });
  expect((await watched).at(-1)).toMatchObject({ event: 'end', data: { status: 'completed' } });
});

interface FeedData {
  job: string;
  entry: TrailEntry;
}

test('the events of all jobs can be filtered, and taken up again after the last one that was seen', async () => {
  const path = '/v1/events?metadata.batch=feed&event=job-accepted,job-completed';
  const submitted = Promise.withResolvers<LineAnswer[]>();
  const submit = (): void =>
    submitted.resolve(sendBulk([jobLine('No batch.'), jobLine('Fed.', { metadata: { batch: 'feed' } })]));
  const reading = readEvents(path, ({ event }) => event === 'job-completed', {}, submit);
  const [, { id } = { id: '' }] = await submitted.promise;
  const events = await reading;
  expect(events.map(({ event, data }) => [event, (data as FeedData).job])).toEqual([
    ['job-accepted', id],
    ['job-completed', id],
  ]);
  const again = await readEvents(path, () => true, { 'last-event-id': events[0]?.id ?? '' });
  expect(again).toEqual([events[1]]);
});

test('a change of an experiment is an event among those of all jobs, and none of a choice of jobs', async () => {
  const arms = [
    { name: 'plain', share: 0.5 },
    { name: 'brief', share: 0.5, overrides: { prompt_prefix: 'Be brief. ' } },
  ];
  const send = async (path: string, body: object): Promise<number> =>
    (
      await fleet.api.send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).status;
  const sent = Promise.withResolvers<number[]>();
  const change = async (): Promise<number[]> => [
    await send('/v1/experiments', { name: 'heard', kind: 'ab', route: 'chat', arms }),
    await send('/v1/experiments/heard/abort', {}),
  ];
  const reading = readEvents(
    '/v1/events',
    ({ event }) => event === 'experiment.aborted',
    {},
    () => sent.resolve(change()),
  );
  expect(await sent.promise).toEqual([201, 200]);
  const changes = (await reading).filter(({ event }) => event.startsWith('experiment.'));
  expect(changes.map(({ event, data }) => [event, data])).toMatchObject([
    ['experiment.started', { experiment: 'heard', line: 1, entry: { status: 'running' } }],
    ['experiment.aborted', { experiment: 'heard', line: 2, entry: { status: 'aborted' } }],
  ]);
  const after = { 'last-event-id': changes[0]?.id ?? '' };
  const chosen = '/v1/events?event=experiment.aborted,job-accepted';
  expect(await readEvents(chosen, () => true, after)).toEqual([changes[1]]);
  const ofRoute = readEvents(
    `${chosen}&route=chat`,
    () => true,
    after,
    () => void sendBulk([jobLine('After the experiment.', { route: 'chat' })]),
  );
  expect((await ofRoute).map(({ event }) => event)).toEqual(['job-accepted']);
});

test('the queues say what waits in them', async () => {
  const response = await fetch(`${fleet.url('intake')}/v1/queues`);
  const { data } = (await response.json()) as { data: { queue: string; model: string | null }[] };
  expect(data.map(({ queue }) => queue)).toContain('classify');
  expect(data.some(({ model }) => model === 'openai/gpt-6-luna')).toBe(true);
});
