import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test, vi } from 'vitest';

import { startRedisContainer } from './redis-container.ts';

afterEach(() => vi.unstubAllEnvs());

test('an engine that has not the image and can not pull it is no failure: it gives none, and says why', async () => {
  const asked: string[] = [];
  const engine = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    if (url?.endsWith('/info')) return void response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    const status = method === 'POST' ? 500 : 404;
    response.writeHead(status, { 'Content-Type': 'application/json' }).end('{"message":"no registry answers"}');
  }).listen(0, '127.0.0.1');
  await once(engine, 'listening');
  vi.stubEnv('DOCKER_HOST', `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`);
  const said: string[] = [];
  const redis = await startRedisContainer((line) => said.push(line));
  engine.close();
  engine.closeAllConnections();
  expect(redis).toBeNull();
  expect(said).toEqual([expect.stringMatching(/no registry answers.*a private one instead$/s)]);
  expect(asked.at(-1)).toMatch(/^POST .*\/images\/create/);
});
