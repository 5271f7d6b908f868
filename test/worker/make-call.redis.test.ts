import type { Attempt, JobState } from '@upshift/contracts';
import { createCircuits, createModelClient } from '@upshift/models';
import { accept, advance, consume, done, modelQueue } from '@upshift/queues';
import type { Consumer, Outcome, StepContext } from '@upshift/queues';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createCalls } from '../../services/worker/src/calls.ts';
import { handleCall } from '../../services/worker/src/handle-call.ts';
import { Durations } from '../../services/worker/src/hedge.ts';
import { makeCall } from '../../services/worker/src/make-call.ts';
import type { Made, Tools } from '../../services/worker/src/make-call.ts';
import { createRetries } from '../../services/worker/src/retries.ts';
import { createSlots } from '../../services/worker/src/slots.ts';
import { startFakeServer } from '../models/fake-server.ts';
import type { FakeServer, Handler } from '../models/fake-server.ts';
import { setups } from '../models/setups.ts';
import { freshPipeline } from '../queues/bed.ts';
import { serversOf, simple, stateOf, until } from '../queues/setting.ts';
import type { TestPipeline } from '../queues/setting.ts';
import { LOW, question } from '../routing/example.ts';

const setup = setups.find(({ name }) => name === 'openai responses')!;

const consumers: Consumer[] = [];
const servers: FakeServer[] = [];
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshPipeline();
});
afterEach(async () => {
  await needReplicas(0);
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** One replica more than there is: Redis takes no write. */
async function needReplicas(least: number): Promise<void> {
  await Promise.all(serversOf(pipeline.redis).map((server) => server.config('SET', 'min-replicas-to-write', least)));
}

async function refusals(): Promise<number> {
  const told = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('errorstats')));
  return told.reduce((sum, text) => sum + Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(text)?.[1] ?? 0), 0);
}

/** What makes calls, all of which go to one server. */
function toolsFor(server: FakeServer, changes: Partial<Tools> = {}): Tools {
  return {
    client: createModelClient([setup.settings(server.url)]),
    circuits: createCircuits({ onChange: () => undefined, mayProbe: () => Promise.resolve(() => undefined) }),
    calls: createCalls(),
    slots: createSlots(() => undefined),
    retries: createRetries(pipeline),
    durations: new Durations(),
    stopping: new AbortController().signal,
    ...changes,
  };
}

async function startServer(handle: Handler): Promise<FakeServer> {
  const server = await startFakeServer(handle);
  servers.push(server);
  return server;
}

function consumeCalls(handle: (step: StepContext<'call'>) => Promise<Outcome>): void {
  consumers.push(consume([pipeline], modelQueue('economy', LOW), 'call', 1, handle));
}

test('a denied account that Redis can not be told of just then is known as that, and its call as unpaid', async () => {
  const server = await startServer(async (_, response) => {
    await needReplicas(1);
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"no such key"}}');
  });
  const tools = toolsFor(server);
  consumeCalls((step) => handleCall(tools, step));
  const before = await refusals();
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  await until(pipeline, async () => (await refusals()) >= before + 3);
  await needReplicas(0);
  await until(pipeline, async () => (await stateOf(pipeline, id)).attempts[0]?.outcome === 'failed');
  expect((await stateOf(pipeline, id)).attempts[0]).toMatchObject({ errorCode: 'provider_denied', costNanoUsd: 0 });
});

test('calls that were not made give a busy provider no more calls at a time, as only answers do, and make room for no retries', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 20; index += 1) ids.push((await accept(pipeline, question, null)).id);
  await Promise.all(ids.map((id) => advance(pipeline, id, simple)));
  const limits: number[] = [];
  const server = await startServer((_, response) => void response.writeHead(429, { 'retry-after': '60' }).end('{}'));
  const retries = createRetries(pipeline);
  const counted: string[] = [];
  const count = (job: JobState, attempt: Attempt): void => {
    counted.push(job.id);
    retries.count(job, attempt);
  };
  const tools = toolsFor(server, {
    slots: createSlots((_, limit) => limits.push(limit)),
    retries: { ...retries, count },
  });
  consumeCalls((step) => handleCall(tools, step));
  const firstOf = async (id: string) => (await stateOf(pipeline, id)).attempts[0]?.outcome;
  await until(pipeline, async () => (await Promise.all(ids.map(firstOf))).every((outcome) => outcome === 'failed'));
  expect(server.calls).toHaveLength(1);
  expect(limits).toEqual([5]);
  expect(counted).toHaveLength(1);
});

test('a call that was not sent by the time at which its worker gives up its calls goes back to its queue', async () => {
  const server = await startServer((_, response) => void response.end());
  const tools = toolsFor(server, { stopping: AbortSignal.abort() });
  const made = Promise.withResolvers<Made>();
  consumeCalls(async (context) => {
    const [attempt] = context.job.attempts;
    made.resolve(await makeCall({ tools, context, config: pipeline.config, attempt: attempt!, stop: AbortSignal.abort() }));
    return done;
  });
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  expect(await made.promise).toBe('put-back');
  expect(server.calls).toEqual([]);
});

test('a call of a job that has ended meanwhile is not made, though nobody has told its worker yet', async () => {
  const server = await startServer((_, response) => void response.end());
  const tools = toolsFor(server);
  const made = Promise.withResolvers<Made>();
  consumeCalls(async (context) => {
    await advance(pipeline, context.job.id, { type: 'cancelled' });
    const [attempt] = context.job.attempts;
    const stop = new AbortController().signal;
    made.resolve(await makeCall({ tools, context, config: pipeline.config, attempt: attempt!, stop }));
    return done;
  });
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  expect(await made.promise).toBeNull();
  expect(server.calls).toEqual([]);
});

test('an answer that took longer than its model should makes for fewer calls at a time, and is given', async () => {
  const { contentType, frames } = setup.stream;
  const server = await startServer((_, response) => {
    response.writeHead(200, { 'content-type': contentType }).end(frames.join(''));
  });
  const limits: number[] = [];
  const tools = toolsFor(server, { slots: createSlots((_, limit) => limits.push(limit)) });
  // No answer is quicker, however coarse the clock.
  const model = { ...pipeline.config.models[LOW]!, slow_call_s: -1 };
  const config = { ...pipeline.config, models: { ...pipeline.config.models, [LOW]: model } };
  const made = Promise.withResolvers<Made>();
  consumeCalls(async (context) => {
    const [attempt] = context.job.attempts;
    made.resolve(await makeCall({ tools, context, config, attempt: attempt!, stop: new AbortController().signal }));
    return done;
  });
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  expect(await made.promise).toMatchObject({ type: 'answered' });
  expect(limits).toEqual([5]);
});
