import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { postOutside } from '@upshift/runtime';
import { afterEach, expect, test } from 'vitest';

const secrets = [`whsec_${Buffer.alloc(32, 1).toString('base64')}`];
const limits = { timeoutMs: 5000, mostBytes: 1000 };

let server: Server;
let connectionsClosed: Promise<unknown>[];
afterEach(() => void server.close());

/** A receiver that answers a request with these bytes, and leaves the connection open. */
async function receiverThatSays(bytes: string): Promise<URL> {
  connectionsClosed = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(bytes));
    connectionsClosed.push(once(socket, 'close'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

test.each([
  [
    'switches to another protocol',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    { status: 101, body: '', error: 'the receiver answered 101' },
  ],
  [
    'names another protocol beside its answer',
    'HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', error: null },
  ],
  [
    'says when to come back',
    'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n',
    { status: 503, retryAfterMs: 7000, error: 'the receiver answered 503' },
  ],
  [
    'says that it was to come back long ago',
    'HTTP/1.1 503 Service Unavailable\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n',
    { status: 503, retryAfterMs: 0 },
  ],
  [
    'says in its own words when to come back',
    'HTTP/1.1 503 Service Unavailable\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n',
    { status: 503, retryAfterMs: null },
  ],
  [
    'sends it elsewhere',
    'HTTP/1.1 300 Multiple Choices\r\nContent-Length: 0\r\n\r\n',
    { status: 300, error: 'the receiver answered 300' },
  ],
  [
    'says as much as is read, and no more',
    `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(1000)}`,
    { status: 200, body: 'x'.repeat(1000), error: null },
  ],
  [
    'says more than is read',
    `HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n${'x'.repeat(1001)}`,
    { status: null, body: '', error: 'the answer is longer than 1000 bytes' },
  ],
])('a receiver that %s has answered, and its connection is closed', async (_, bytes, answer) => {
  const outside = { url: await receiverThatSays(bytes), mayReach: () => true, secrets };

  expect(await postOutside(outside, 'msg_1', '{}', limits)).toMatchObject(answer);

  await Promise.all(connectionsClosed);
});

test('a name is looked up before each connection, and all its addresses must be ones that may be reached', async () => {
  const { port } = await receiverThatSays('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const url = new URL(`http://localhost:${port}/`);
  const asked: string[] = [];
  const mayReach = (address: string): boolean => asked.push(address) > 0;

  expect(await postOutside({ url, mayReach, secrets }, 'msg_1', '{}', limits)).toMatchObject({ status: 200, body: 'ok' });
  expect(asked).toContain('127.0.0.1');

  const refused = await postOutside({ url, mayReach: () => false, secrets }, 'msg_1', '{}', limits);
  expect(refused).toMatchObject({ status: null, body: '' });
  expect(refused.error).toMatch(/^localhost resolves to (127\.0\.0\.1|::1), which is no public address$/);
});
