import { createCircuits, createModelClient } from '@upshift/models';
import { accept, advance, consume, modelQueue } from '@upshift/queues';
import type { Consumer } from '@upshift/queues';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { createCalls } from '../../services/worker/src/calls.ts';
import { handleCall } from '../../services/worker/src/handle-call.ts';
import { Durations } from '../../services/worker/src/hedge.ts';
import { createRetries } from '../../services/worker/src/retries.ts';
import { createSlots } from '../../services/worker/src/slots.ts';
import { startFakeServer } from '../models/fake-server.ts';
import type { FakeServer, Handler } from '../models/fake-server.ts';
import { closeAll, flushAll, openTestPipeline, serversOf, simple, stateOf, until } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { LOW, question } from '../routing/example.ts';

const opened: TestPipeline[] = [];
const consumers: Consumer[] = [];
const servers: FakeServer[] = [];
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await openTestPipeline(inject('redisUrl'));
  opened.push(pipeline);
  await flushAll(pipeline);
});
afterEach(async () => {
  await setMemory(0);
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await closeAll(opened);
});

async function setMemory(bytes: number): Promise<void> {
  await Promise.all(serversOf(pipeline.redis).map((server) => server.config('SET', 'maxmemory', bytes)));
}

async function refusals(): Promise<number> {
  const told = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('errorstats')));
  return told.reduce((sum, text) => sum + Number(/errorstat_OOM:count=(\d+)/.exec(text)?.[1] ?? 0), 0);
}

/** Makes the calls of a model, which go to a server that answers as told. */
async function callModel(model: string, handle: Handler, onLimit = (_model: string, _limit: number): void => undefined): Promise<FakeServer> {
  const server = await startFakeServer(handle);
  servers.push(server);
  const provider = { id: 'openai', adapter: 'openai', api: 'responses', baseUrl: server.url, apiKey: 'k', off: null } as const;
  const tools = {
    pipeline,
    client: createModelClient([provider]),
    circuits: createCircuits({ onChange: () => undefined, mayProbe: () => Promise.resolve(() => undefined) }),
    calls: createCalls(),
    slots: createSlots(onLimit),
    retries: createRetries(pipeline),
    durations: new Durations(),
    stopping: new AbortController().signal,
  };
  consumers.push(consume([pipeline], modelQueue('economy', model), 'call', 1, (step) => handleCall(tools, step)));
  return server;
}

test('a denied account that a full Redis can not be told of is known as that, and its call as unpaid', async () => {
  await callModel(LOW, async (_, response) => {
    await setMemory(1);
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"no such key"}}');
  });
  const before = await refusals();
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  await until(pipeline, async () => (await refusals()) >= before + 3);
  await setMemory(0);
  await until(pipeline, async () => (await stateOf(pipeline, id)).attempts[0]?.outcome === 'failed');
  expect((await stateOf(pipeline, id)).attempts[0]).toMatchObject({ errorCode: 'provider_denied', costNanoUsd: 0 });
});

test('calls that were not made give a busy provider no more calls at a time: only answers do', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 20; index += 1) ids.push((await accept(pipeline, question, null)).id);
  await Promise.all(ids.map((id) => advance(pipeline, id, simple)));
  const limits: number[] = [];
  const busy: Handler = (_, response) => void response.writeHead(429, { 'retry-after': '60' }).end('{}');
  const server = await callModel(LOW, busy, (_, limit) => limits.push(limit));
  const firstOf = async (id: string) => (await stateOf(pipeline, id)).attempts[0]?.outcome;
  await until(pipeline, async () => (await Promise.all(ids.map(firstOf))).every((outcome) => outcome === 'failed'));
  expect(server.calls).toHaveLength(1);
  expect(limits).toEqual([5]);
});
