import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startExchange } from '../../packages/models/src/exchange.ts';

/** When many servers close a connection that nobody uses, in ms. */
const SERVERS_CLOSE_AFTER_MS = 5000;

/** Says nothing of how long it keeps connections. */
const server = createServer({ keepAliveTimeout: 0 });
beforeAll(async () => void (await once(server.listen(0, '127.0.0.1'), 'listening')));
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** A request that the server has, to be answered by the test. */
async function call() {
  const received = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const watch = { connected: () => undefined, heard: () => undefined };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { answer } = startExchange(url, {}, watch);
  const [{ socket }, response] = await received;
  const answered = async (text: string): Promise<string> => {
    response.end(text);
    return (await answer).text();
  };
  return { socket, answered };
}

test('a connection that no call uses is closed before its server does so, and one with a call that takes longer is kept', async () => {
  const long = await call();
  const first = await call();
  expect(await first.answered('first')).toBe('first');
  const next = await call();
  expect(next.socket).toBe(first.socket);
  expect(await next.answered('next')).toBe('next');

  const idleFrom = performance.now();
  await once(first.socket, 'close');
  expect(performance.now() - idleFrom).toBeLessThan(SERVERS_CLOSE_AFTER_MS);

  expect(await long.answered('at last')).toBe('at last');
});
