import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { accept, advance, listJobs } from '@upshift/queues';
import { shadowRequest } from '@upshift/routing';
import express from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { acceptShadow } from '../../packages/queues/src/accept.ts';
import { postVerdict } from '../../services/intake/src/post-verdict.ts';
import { answerWithProblem } from '../../services/intake/src/problems.ts';
import { freshPipeline } from '../queues/bed.ts';
import { labelsIn, simple, stateOf } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { answered, judged, LOW, requestOf, sent } from '../routing/example.ts';

let pipeline: TestPipeline;
let server: Server;

beforeEach(async () => {
  pipeline = await freshPipeline();
  const tools = { cells: pipeline, feed: null as never, stopping: null as never, signals: null as never };
  const app = express().use(express.json()).post('/v1/jobs/:id/verdict', postVerdict(tools));
  answerWithProblem(app, pipeline.logger);
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
});

const prompt = { prompt: 'Why is the sky blue?' };

function judge(id: string, passed: boolean): Promise<Response> {
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}/v1/jobs/${id}/verdict`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ revision: 1, passed, reason: 'looked at' }),
  });
}

test.each([
  ['of a cascade', { input: prompt }, 1],
  ['of a pinned job', { input: prompt, model: LOW }, 0],
  ['of a route that is no cascade', { input: prompt, route: 'chat' }, 0],
])(
  'a late verdict on an answer %s makes so many labels: one that fails elsewhere never shows whether a higher tier gains',
  async (_what, body, count) => {
    const { id } = await accept(pipeline, requestOf(body), null);
    for (const event of [simple, sent(1, 2), answered(1), judged(1, 0.9)]) await advance(pipeline, id, event);
    expect((await judge(id, true)).status).toBe(200);
    const late = (await labelsIn(pipeline)).filter(({ source }) => source === 'late');
    expect(late.map(({ tier, passed }) => [tier, passed])).toEqual([['economy', true]].slice(0, count));
  },
);

test('a shadow takes no verdict: it would be answered anew for nobody, beyond the budget of its experiment', async () => {
  const followed = (await accept(pipeline, requestOf({ input: prompt }), null)).id;
  const arms = [{ experiment: 'seen', arm: 'candidate', probability: 1 }];
  const part = {
    arms,
    baseConfigVersion: pipeline.configVersion,
    holdFor: null,
    held: null,
    discardedAttempts: 0,
    shadowOf: followed,
  };
  await acceptShadow(pipeline, shadowRequest('seen', requestOf({ input: prompt }), followed), part, pipeline, 'key');
  const [id] = (await listJobs(pipeline, { metadata: { upshift_shadow_of: followed } }, { limit: 1 })).ids;
  for (const event of [simple, sent(1, 2), answered(1), judged(1, 0.9)]) await advance(pipeline, id!, event);
  const refused = await judge(id!, false);
  expect(await refused.json()).toMatchObject({ code: 'not_judgeable', detail: expect.stringContaining(`say it of ${followed}`) });
  expect(await stateOf(pipeline, id!)).toMatchObject({ status: 'completed', revision: 1 });
});
