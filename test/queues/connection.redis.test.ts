import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { isRedisAway } from '@upshift/queues';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { closeAll, openTestCells, openTestPipeline, serversOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const opened: TestPipeline[] = [];
let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await openTestPipeline(inject('redisUrl'));
  opened.push(pipeline);
});
afterEach(() => closeAll(opened));

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
