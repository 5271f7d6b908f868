import { createCircuits, createModelClient } from '@upshift/models';
import { accept, advance, consume, modelQueue } from '@upshift/queues';
import { expect, inject, onTestFinished, test } from 'vitest';

import { createCalls } from '../../services/worker/src/calls.ts';
import { handleCall } from '../../services/worker/src/handle-call.ts';
import { Durations } from '../../services/worker/src/hedge.ts';
import { createRetries } from '../../services/worker/src/retries.ts';
import { createSlots } from '../../services/worker/src/slots.ts';
import { startFakeServer } from '../models/fake-server.ts';
import { setups } from '../models/setups.ts';
import { closeAll, flushAll, openTestPipeline, serversOf, simple, stateOf, until } from '../queues/setting.ts';
import { LOW, question } from '../routing/example.ts';

const setup = setups.find(({ name }) => name === 'openai responses')!;

test('a denied account is what became of its call, also where Redis takes no writes when the denial comes', async () => {
  const pipeline = await openTestPipeline(inject('redisUrl'));
  onTestFinished(() => closeAll([pipeline]));
  await flushAll(pipeline);
  const leastReplicas = (least: number) =>
    Promise.all(serversOf(pipeline.redis).map((server) => server.config('SET', 'min-replicas-to-write', least)));
  const refusals = async (): Promise<number> => {
    const told = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('errorstats')));
    return told.reduce((sum, text) => sum + Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(text)?.[1] ?? 0), 0);
  };
  const vendor = await startFakeServer(async (_, response) => {
    await leastReplicas(1);
    response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
  });
  const circuits = createCircuits({ onChange: () => undefined });
  const consumer = consume([pipeline], modelQueue('economy', LOW), 'call', 1, (step) =>
    handleCall(
      {
        pipeline: step.pipeline,
        client: createModelClient([setup.settings(vendor.url)]),
        circuits,
        calls: createCalls(),
        slots: createSlots(() => undefined),
        retries: createRetries(pipeline),
        durations: new Durations(),
        stopping: new AbortController().signal,
      },
      step,
    ),
  );
  onTestFinished(async () => {
    await leastReplicas(0);
    await consumer.close();
    circuits.close();
    await vendor.close();
  });

  const before = await refusals();
  const { id } = await accept(pipeline, question, null);
  await advance(pipeline, id, simple);
  // The denial is told first, then what became of the call, until that is taken.
  await until(pipeline, async () => (await refusals()) >= before + 3);
  await leastReplicas(0);
  await until(pipeline, async () => (await stateOf(pipeline, id)).attempts[0]?.outcome === 'failed');
  const [attempt] = (await stateOf(pipeline, id)).attempts;
  expect(attempt).toMatchObject({ errorCode: 'provider_denied', state: 'settled', costNanoUsd: 0 });
});
