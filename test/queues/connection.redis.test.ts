import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import {
  changeDelivery,
  closeCells,
  commandExperimentByName,
  createExperiment,
  createWebhook,
  isRedisAway,
  openCells,
  readDelivery,
  readExperiment,
  readWebhook,
  rotateWebhook,
} from '@upshift/queues';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';

import { LOW_TWIN } from '../routing/example.ts';
import { documentOf } from './experiments-setting.ts';
import { anotherPipeline } from './bed.ts';
import { flushAll, openTestCells, serversOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await anotherPipeline();
});

test('a transaction of which Redis could not take a command says that it is away, one that is wrong does not', async () => {
  const servers = serversOf(pipeline.redis);
  await Promise.all(servers.map((server) => server.config('SET', 'maxmemory', '1')));
  try {
    await expect(pipeline.redis.multi().set('{away}:a', '1').exec()).rejects.toSatisfy(isRedisAway);
  } finally {
    await Promise.all(servers.map((server) => server.config('SET', 'maxmemory', '0')));
  }
  const wrong = pipeline.redis.multi();
  await expect(wrong.call('NO_SUCH_COMMAND', '{away}:a').exec()).rejects.not.toSatisfy(isRedisAway);
});

test('a connection that is away says so once, not at each try to come back', async () => {
  const warnings: object[] = [];
  const logger = Object.assign(Object.create(pipeline.logger) as typeof pipeline.logger, {
    warn: (fields: object) => void warnings.push(fields),
  });
  const cells = await openCells({ ...pipeline.options, logger });
  for (let tries = 0; tries < 3; tries += 1) cells.redis.emit('error', new Error('connect ECONNREFUSED'));
  await closeCells(cells);
  expect(warnings).toEqual([{ reason: 'Error: connect ECONNREFUSED' }]);
});

/** Stands before a server and hands its answers on. */
async function standBefore(
  server: Redis,
  handOn: (bytes: Buffer, client: Socket) => void,
): Promise<{ port: number; proxy: Server }> {
  const { host = '', port = 0, path } = server.options;
  const proxy = createServer((client) => {
    const behind = path ? createConnection(path) : createConnection(port, host);
    client.on('error', () => undefined).on('close', () => behind.destroy());
    client.pipe(behind);
    behind.on('data', (bytes) => handOn(bytes, client)).on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return { port: (proxy.address() as AddressInfo).port, proxy };
}

test('commands that are sent together say that Redis is away where it went within its answer', async () => {
  const [server] = serversOf(pipeline.redis) as [Redis];
  const { port, proxy } = await standBefore(server, (bytes, client) => {
    const at = bytes.indexOf('the second');
    if (at === -1) client.write(bytes);
    else client.write(bytes.subarray(0, at), () => client.destroy());
  });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  const replies = (await redis.pipeline().echo('the first').echo('the second').exec()) ?? [];
  expect(replies[0]).toEqual([null, 'the first']);
  expect(replies[1]![0]).toSatisfy(isRedisAway);
  redis.disconnect();
  proxy.close();
});

test('a Redis that is too old for the scripts is refused by its version, be it disposable or not', async () => {
  const [server] = serversOf(pipeline.redis) as [Redis];
  const { port, proxy } = await standBefore(server, (bytes, client) => {
    client.write(bytes.toString('latin1').replace(/(?<=redis_version:)\d/, '6'), 'latin1');
  });
  await expect(openTestCells(`redis://127.0.0.1:${port}`)).rejects.toThrow(
    /^Redis has version 6\.\S+: Upshift needs 7 or later\.$/,
  );
  proxy.close();
});

describe('a connection that breaks off before the answer sends a script again, and', () => {
  beforeEach(async () => {
    await flushAll(pipeline);
    pipeline = { ...pipeline, redis: sendingTwice(pipeline.redis) };
  });

  test('who makes an endpoint or gives it a new secret is shown the secret that signs', async () => {
    const made = await createWebhook(pipeline, { name: 'orders', url: 'https://example.com/', payload: 'thin' });
    const rotated = await rotateWebhook(pipeline, 'orders');
    const { secrets } = (await readWebhook(pipeline, 'orders'))!;
    expect(secrets.map(({ secret }) => secret)).toEqual([rotated?.secret, made.secret]);
  });

  test('an experiment is begun and commanded once', async () => {
    const arms = [
      { name: 'a', share: 0.5 },
      { name: 'b', share: 0.5, overrides: { models: { economy: [LOW_TWIN] } } },
    ];
    const document = documentOf({ name: 'once', kind: 'ab', route: 'default', arms });
    await createExperiment(pipeline, document);
    await commandExperimentByName(pipeline, 'once', 'pause', null);
    const record = await readExperiment(pipeline, 'once');
    expect(record?.history.map(({ event }) => event)).toEqual(['experiment.started', 'experiment.paused']);
  });

  test('a delivery is logged once', async () => {
    const told = { job: 'job_x', revision: 1, webhook: 'orders', event: 'job.completed', redelivery: 0 } as const;
    const attempt = { at: new Date().toISOString(), status: 500, error: null, duration_ms: 1 };
    await changeDelivery(pipeline, told, (line) => ({ ...line, attempts: [...line.attempts, attempt] }));
    expect((await readDelivery(pipeline, told)).attempts).toEqual([attempt]);
  });
});

/** Each script reaches Redis twice, and only the second answer comes back. */
function sendingTwice(redis: Redis): Redis {
  const twice = async (...args: Parameters<Redis['eval']>) => {
    await redis.eval(...args);
    return redis.eval(...args);
  };
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'eval') return twice;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
