import { getEventListeners, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { accept, advance, openEventFeed } from '@upshift/queues';
import type { EventFeed } from '@upshift/queues';
import express from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { getAllEvents } from '../../services/intake/src/all-events.ts';
import { getLabels } from '../../services/intake/src/get-labels.ts';
import { getJobEvents } from '../../services/intake/src/job-events.ts';
import { freshPipeline } from '../queues/bed.ts';
import { simple, stateOf } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { answered, answerOf, judged, question, sent } from '../routing/example.ts';

let pipeline: TestPipeline;
let feed: EventFeed;
let stopping: AbortController;
let server: Server;
let folder: string;
/** Resolves once the handler of a request has returned. */
let handled: Promise<unknown>;

beforeEach(async () => {
  pipeline = await freshPipeline();
  feed = openEventFeed(pipeline);
  stopping = new AbortController();
  const tools = { cells: pipeline, feed, stopping: stopping.signal, signals: null as never };
  const app = express().get('/v1/events', getAllEvents(tools)).get('/v1/jobs/:id/events', getJobEvents(tools));
  app.get('/v1/labels', (...given) => {
    handled = Promise.resolve(getLabels(tools)(...given));
  });
  app.get('/v1/jobs/:id/events/late', (...given) => {
    handled = once(given[1], 'close').then(() => getJobEvents(tools)(...given));
  });
  folder = await mkdtemp(join(tmpdir(), 'upshift-streams-'));
  // Its buffers are small: those of a TCP connection would take megabytes that nobody reads.
  server = app.listen(join(folder, 'intake'));
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  feed.close();
  await rm(folder, { recursive: true });
});

async function ask(path: string, method = 'GET'): Promise<IncomingMessage> {
  const outgoing = httpRequest({ socketPath: join(folder, 'intake'), path, method }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming.setEncoding('utf8');
}

/** A whole answer as text; throws where it is cut off. */
async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

async function completedJob(answer: string): Promise<string> {
  const { id } = await accept(pipeline, question, null);
  for (const event of [simple, sent(1)]) await advance(pipeline, id, event);
  await advance(pipeline, id, answered(1), { 'answer:1': JSON.stringify(answerOf(answer)) });
  await advance(pipeline, id, judged(1, 1));
  expect(await stateOf(pipeline, id)).toMatchObject({ status: 'completed' });
  return id;
}

test('the end of a job comes with its answer, however long that is', async () => {
  const answer = 'für '.repeat(1_000_000);
  const text = await textOf(await ask(`/v1/jobs/${await completedJob(answer)}/events`));
  const [, data = ''] = /^event: end\ndata: (.*)$/m.exec(text) ?? [];
  expect((JSON.parse(data) as { result: { text: string } }).result.text === answer).toBe(true);
});

test('a client that does not read the end of a job is let go', async () => {
  const id = await completedJob('x'.repeat(4_000_000));
  const answering = once(server, 'request');
  const incoming = await ask(`/v1/jobs/${id}/events`);
  const [, response] = (await answering) as [unknown, ServerResponse];
  await once(response, 'close');
  expect(response.writableFinished).toBe(false);
  incoming.destroy();
});

/** More than the buffers of a connection hold. */
async function keepLabels(count: number): Promise<void> {
  const label = JSON.stringify({ job: 'job_0', route: 'x'.repeat(1000) });
  const batch = pipeline.redis.pipeline();
  for (let number = 0; number < count; number += 1) batch.xadd(pipeline.keys.labels, '*', 'label', label);
  await batch.exec();
}

test('a file of labels that is cut off by the end of the process does not look whole', async () => {
  await keepLabels(3000);
  const incoming = await ask('/v1/labels');
  stopping.abort();
  await expect(textOf(incoming)).rejects.toThrow('aborted');
});

test('a client that leaves in the middle of the labels leaves nothing behind', async () => {
  await keepLabels(3000);
  const incoming = await ask('/v1/labels');
  await once(incoming, 'readable');
  incoming.destroy();
  await handled;
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0);
});

test('a client that has left before its stream of events begins is no error, and leaves nothing behind', async () => {
  const { id } = await accept(pipeline, question, null);
  const outgoing = httpRequest({ socketPath: join(folder, 'intake'), path: `/v1/jobs/${id}/events/late` }).end();
  outgoing.on('error', () => undefined);
  await once(server, 'request');
  outgoing.destroy();
  await handled;
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0);
});

test('all labels come to who reads them', async () => {
  await keepLabels(3000);
  expect((await textOf(await ask('/v1/labels'))).split('\n')).toHaveLength(3001);
});

test('who asks for the headers of a stream of events gets them, and no stream', async () => {
  const { id } = await accept(pipeline, question, null);
  for (const path of ['/v1/events', `/v1/jobs/${id}/events`]) {
    const answering = once(server, 'request');
    const incoming = await ask(path, 'HEAD');
    const [, response] = (await answering) as [unknown, ServerResponse];
    expect([incoming.statusCode, incoming.headers['content-type'], response.writableEnded]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      true,
    ]);
  }
});
