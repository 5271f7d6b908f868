import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { accept, advance } from '@upshift/queues';
import express from 'express';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { postVerdict } from '../../services/intake/src/post-verdict.ts';
import { closeAll, flushAll, labelsIn, openTestPipeline, simple } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { answered, judged, LOW, requestOf, sent } from '../routing/example.ts';

const opened: TestPipeline[] = [];
let pipeline: TestPipeline;
let server: Server;

beforeEach(async () => {
  pipeline = await openTestPipeline(inject('redisUrl'));
  opened.push(pipeline);
  await flushAll(pipeline);
  const tools = { cells: pipeline, feed: null as never, stopping: null as never, signals: null as never };
  server = express().use(express.json()).post('/v1/jobs/:id/verdict', postVerdict(tools)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await closeAll(opened);
});

const prompt = { prompt: 'Why is the sky blue?' };

test.each([
  ['of a cascade', { input: prompt }, 1],
  ['of a pinned job', { input: prompt, model: LOW }, 0],
  ['of a route that is no cascade', { input: prompt, route: 'chat' }, 0],
])(
  'a late verdict on an answer %s makes so many labels: one that fails elsewhere never shows whether a higher tier gains',
  async (_what, body, count) => {
    const { id } = await accept(pipeline, requestOf(body), null);
    for (const event of [simple, sent(1, 2), answered(1), judged(1, 0.9)]) await advance(pipeline, id, event);
    const { port } = server.address() as AddressInfo;
    const given = await fetch(`http://127.0.0.1:${port}/v1/jobs/${id}/verdict`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ revision: 1, passed: true, reason: 'looked at' }),
    });
    expect(given.status).toBe(200);
    const late = (await labelsIn(pipeline)).filter(({ source }) => source === 'late');
    expect(late.map(({ tier, passed }) => [tier, passed])).toEqual([['economy', true]].slice(0, count));
  },
);
