import {
  accept,
  closeCircuit,
  denyProvider,
  expireJobs,
  openCircuit,
  providersHeardOf,
  publishProviders,
  readHealth,
  reconcile,
} from '@upshift/queues';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { exampleConfig, requestOf } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

/** A process that has read nothing yet: health is cached for a moment in each. */

beforeEach(async () => {
  pipeline = await freshPipeline();
});

describe('a provider', () => {
  test('is not off as long as no worker has said so', async () => {
    expect(await readHealth(pipeline)).toEqual({ providersOff: {}, providersDenied: {}, circuitsOpen: {}, circuitsProbing: [] });
  });
  test('is off when a worker says so, with its reason', async () => {
    await publishProviders(pipeline, [{ id: 'openai', off: 'OPENAI_API_KEY is not set' }]);
    expect((await readHealth(await anotherPipeline())).providersOff).toEqual({ openai: 'OPENAI_API_KEY is not set' });
  });
  test('is on when one worker can call it, whoever spoke last', async () => {
    await publishProviders(pipeline, [{ id: 'openai', off: null }]);
    await publishProviders(pipeline, [{ id: 'openai', off: 'no key here' }]);
    expect((await readHealth(await anotherPipeline())).providersOff).toEqual({});
  });
  test('that denied the account is left alone for a minute, though a worker can call it', async () => {
    await publishProviders(pipeline, [{ id: 'openai', off: null }]);
    const before = Date.now();
    await denyProvider(pipeline, 'openai', 'no credit');
    const { providersOff, providersDenied } = await readHealth(await anotherPipeline());
    expect(providersOff).toEqual({ openai: 'no credit' });
    expect(providersDenied?.['openai']).toBeGreaterThanOrEqual(before + 60_000);
    expect(providersDenied?.['openai']).toBeLessThanOrEqual(Date.now() + 60_000);
  });
  test('that denied the account is known in a moment where the clock was set back, too', async () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    expect((await readHealth(pipeline)).providersOff).toEqual({});
    clock.mockRestore();
    await denyProvider(pipeline, 'openai', 'no credit');
    await vi.waitFor(async () => expect((await readHealth(pipeline)).providersOff).toEqual({ openai: 'no credit' }), 10_000);
  });
  test('is not off by the word of a worker that is gone', async () => {
    await publishProviders(pipeline, [{ id: 'openai', off: 'no key' }]);
    const word = JSON.stringify({ at: Date.now() - 60_000, off: 'no key' });
    await pipeline.redis.hset('{upshift-health}:providers', 'openai off', word);
    expect((await readHealth(await anotherPipeline())).providersOff).toEqual({});
  });
  test('is heard of while a worker repeats its word, on or off', async () => {
    await publishProviders(pipeline, [
      { id: 'openai', off: null },
      { id: 'anthropic', off: 'no key' },
    ]);
    const word = JSON.stringify({ at: Date.now() - 60_000, off: null });
    await pipeline.redis.hset('{upshift-health}:providers', 'ollama on', word);
    await denyProvider(pipeline, 'openai-eu', 'no credit');
    expect(await providersHeardOf(pipeline)).toEqual(new Set(['openai', 'anthropic']));
  });
});

test('a circuit is open for all processes until the latest time that one has told, whoever closes his own before', async () => {
  const until = Date.now() + 60_000;
  await openCircuit(pipeline, 'a/one', until);
  await openCircuit(pipeline, 'a/two', Date.now() - 1);
  expect(await readHealth(await anotherPipeline())).toMatchObject({
    circuitsOpen: { 'a/one': until },
    circuitsProbing: ['a/two'],
  });
  await openCircuit(await anotherPipeline(), 'a/one', until - 30_000);
  await closeCircuit(pipeline, 'a/one');
  await closeCircuit(pipeline, 'a/two');
  expect(await readHealth(await anotherPipeline())).toMatchObject({ circuitsOpen: { 'a/one': until }, circuitsProbing: [] });
  expect(await pipeline.redis.zrange('{upshift-health}:open-circuits', 0, '-1')).toEqual(['a/one']);
});

describe('a job that upkeep can not deal with', () => {
  test('does not stand in the way of the others', async () => {
    const deadline = new Date(Date.now() + 500).toISOString();
    const request = requestOf({ input: { prompt: 'x' }, limits: { deadline } });
    const [broken, sound] = [await accept(pipeline, request, null), await accept(pipeline, request, null)];
    await pipeline.redis.hset(`{upshift-0}:job:${broken.id}`, 'state', 'not JSON');
    await pipeline.redis.zadd('{upshift-0}:deadlines', 1, broken.id, 2, sound.id);
    while (Date.now() < Date.parse(deadline)) await pipeline.redis.ping();
    expect(await expireJobs(pipeline)).toBe(1);
    expect((await stateOf(pipeline, sound.id)).status).toBe('expired');
    expect(await reconcile(pipeline, -1)).toBe(0);
  });
  test('and that is gone is forgotten', async () => {
    await pipeline.redis.zadd('{upshift-0}:deadlines', 1, 'job_gone');
    await expireJobs(pipeline);
    expect(await pipeline.redis.zcard('{upshift-0}:deadlines')).toBe(0);
  });
});

test('a claim that outlives its job would answer 404: such a configuration is refused', async () => {
  const { upshiftConfig } = await import('@upshift/contracts');
  const config = { ...exampleConfig(), retention: { job_hours: 1, idempotency_hours: 2 } };
  expect(upshiftConfig.safeParse(config).error?.issues.map(({ path }) => path.join('.'))).toEqual([
    'retention.idempotency_hours',
  ]);
});
