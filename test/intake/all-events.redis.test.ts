import { getEventListeners, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { accept, acceptAll, advance, forgetJobs, openEventFeed } from '@upshift/queues';
import type { Cells, EventFeed } from '@upshift/queues';
import express from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { getAllEvents } from '../../services/intake/src/all-events.ts';
import { anotherProcess, emptyRedis } from '../queues/bed.ts';
import { flushAll } from '../queues/setting.ts';
import { question } from '../routing/example.ts';

let cells: Cells;
let feed: EventFeed;
let stopping: AbortController;
let server: Server;
let folder: string;

beforeEach(async () => {
  // All jobs go to the first one, but for a test that has them spread.
  await emptyRedis();
  cells = await anotherProcess({ cells: 2 });
  feed = openEventFeed(cells);
  stopping = new AbortController();
  const app = express().get('/v1/events', getAllEvents({ cells, feed, stopping: stopping.signal }));
  folder = await mkdtemp(join(tmpdir(), 'upshift-events-'));
  // Its buffers are small: those of a TCP connection would take all events of a client that does not read.
  server = app.listen(socketPath());
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  feed.close();
  await flushAll(cells);
  await rm(folder, { recursive: true });
});

const socketPath = (): string => join(folder, 'intake');

/** Connects for the first time, or again after an event. */
async function comeBack(lastId: string | null): Promise<IncomingMessage> {
  const headers = lastId === null ? {} : { 'last-event-id': lastId };
  const outgoing = get({ socketPath: socketPath(), path: '/v1/events', headers });
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming.setEncoding('utf8');
}

interface ServerEvent {
  event: string;
  data: { job?: string };
}

/** What comes on one connection after an id, until there are so many events or the server ends it. */
async function eventsAfter(lastId: string, count: number): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  let text = '';
  for await (const chunk of await comeBack(lastId)) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/m.exec(block) ?? [];
      if (event !== undefined) events.push({ event, data: JSON.parse(data ?? '') as ServerEvent['data'] });
    }
    if (events.length >= count) break;
  }
  return events;
}

/** An entry of the stream for each batch. */
async function acceptBatches(batches: number, size: number): Promise<string[]> {
  const asked = Array.from({ length: size }, () => ({ request: question, key: null, traceparent: null }));
  const ids: string[] = [];
  for (let batch = 0; batch < batches; batch += 1)
    for (const accepted of await acceptAll(cells, asked)) ids.push(accepted instanceof Error ? accepted.message : accepted.id);
  return ids;
}

test.each([5, 250])('where the events of %i forgotten jobs come first, all after them are sent', async (count) => {
  const forgotten = await acceptBatches(count, 1);
  for (const id of forgotten) await advance(cells.of(id), id, { type: 'cancelled' });
  await cells.redis.zadd('{upshift-0}:expiries', ...forgotten.flatMap((id) => [Date.now() - 1, id]));
  expect(await forgetJobs(cells.first)).toBe(count);
  const kept = await acceptBatches(300, 1);
  const events = await eventsAfter('0-0.0', kept.length);
  expect(events.map(({ data }) => data.job)).toEqual(kept);
});

test('a client that comes back after a busy moment gets all of it on one connection', async () => {
  const ids = await acceptBatches(200, 100);
  const events = await eventsAfter('0-0.0', ids.length);
  expect(events.map(({ data }) => data.job)).toEqual(ids);
});

test('a client that is cut off before its first event comes back to where it began', async () => {
  await acceptBatches(3, 1);
  const first = await comeBack(null);
  let text = '';
  for await (const chunk of first) if (/^id: .*\n\n/m.test((text += String(chunk)))) break;
  const ids = await acceptBatches(3, 2);
  const events = await eventsAfter(/^id: (.*)$/m.exec(text)?.[1] ?? '', ids.length);
  expect(events.map(({ data }) => data.job)).toEqual(ids);
});

test('a client that comes back and does not read is let go, and leaves nothing behind', async () => {
  await acceptBatches(200, 100);
  const answered = once(server, 'request');
  const incoming = await comeBack('0-0.0');
  const [, response] = (await answered) as [unknown, ServerResponse];
  await once(response, 'close');
  expect(response.writableFinished).toBe(false);
  incoming.destroy();
  // Nothing of a connection stays where it would last as long as the process.
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0);
});

test('a replay that has not come to its end when the process stops is ended', async () => {
  await acceptBatches(200, 100);
  const incoming = await comeBack('0-0.0');
  stopping.abort();
  let length = 0;
  for await (const chunk of incoming) length += String(chunk).length;
  expect(length).toBeLessThan(1_000_000);
});

test('a client is told of events that are gone in a cell that was new to it', async () => {
  const two = await anotherProcess({ cells: 2, spreads: true });
  const ids: string[] = [];
  while (ids.filter((id) => two.of(id).cell === 1).length < 3) ids.push((await accept(two, question, null)).id);
  const [first, second] = await two.all();
  await second!.redis.xtrim(second!.keys.events, 'MAXLEN', '=', 1);
  const [newest] = await first!.redis.xrevrange(first!.keys.events, '+', '-', 'COUNT', 1);
  const events = await eventsAfter(`${newest?.[0] ?? '0-0'}.0`, 2);
  const last = ids.findLast((id) => two.of(id).cell === 1);
  expect(events.map(({ event, data }) => [event, data.job])).toEqual([
    ['events-missed', undefined],
    ['job-accepted', last],
  ]);
});
