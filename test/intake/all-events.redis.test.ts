import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { acceptAll, advance, forgetJobs, openEventFeed } from '@upshift/queues';
import type { Cells, EventFeed } from '@upshift/queues';
import express from 'express';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { getAllEvents } from '../../services/intake/src/all-events.ts';
import { closeAll, flushAll, openTestCells } from '../queues/setting.ts';
import { question } from '../routing/example.ts';

const opened: Cells[] = [];
let cells: Cells;
let feed: EventFeed;
let stopping: AbortController;
let server: Server;

beforeEach(async () => {
  cells = await openTestCells(inject('redisUrl'));
  opened.push(cells);
  await flushAll(cells);
  feed = openEventFeed(cells);
  stopping = new AbortController();
  const app = express().get('/v1/events', getAllEvents({ cells, feed, stopping: stopping.signal }));
  server = app.listen(0);
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  feed.close();
  await flushAll(cells);
  await closeAll(opened);
});

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`;

interface ServerEvent {
  event: string;
  data: { job?: string };
}

/** What comes on one connection after an id, until there are so many events or the server ends it. */
async function eventsAfter(lastId: string, count: number): Promise<ServerEvent[]> {
  const response = await fetch(address(), { headers: { 'last-event-id': lastId } });
  const events: ServerEvent[] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
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
