import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, globalAgent } from 'node:http';
import type { AgentOptions, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';

import { startExchange } from '../../packages/models/src/exchange.ts';
import { makeCertificate } from '../cluster/certificate.ts';
import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';

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
  const over = Promise.withResolvers<void>();
  const heard = (bytes: Buffer | null): void => void (bytes?.includes('the end') && over.resolve());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exchange = startExchange(url, {}, { connected: () => undefined, heard });
  const [{ socket }, response] = await received;
  const answered = async (text: string): Promise<string> => {
    response.end(text);
    return (await exchange.answer).text();
  };
  return { socket, response, exchange, answered, over: over.promise };
}

/** A call whose answer was read before its end came. */
async function callLetGo() {
  const made = await call();
  made.response.write('whole');
  await (await made.exchange.answer).body![Symbol.asyncIterator]().next();
  made.exchange.letGo();
  return made;
}

test('the connection of an answer that ends a moment after it was read serves the next call', async () => {
  const first = await callLetGo();
  first.response.end('the end');
  await first.over;
  const next = await call();
  expect(next.socket).toBe(first.socket);
  expect(await next.answered('next')).toBe('next');
});

test('the connection of an answer that was read, and never ends, is closed', async () => {
  const { socket } = await callLetGo();
  await once(socket, 'close');
});

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

test('a server that answers before it has read the request, and does not read on, keeps no connection', async () => {
  const hasty = createTcpServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined).write('HTTP/1.1 413 Too large\r\ncontent-length: 0\r\n\r\n');
  });
  const connected = once(hasty, 'connection') as Promise<[Socket]>;
  const url = `http://127.0.0.1:${await listening(hasty)}`;
  const body = 'x'.repeat(50_000_000);
  const exchange = startExchange(url, { method: 'POST', body }, { connected: () => undefined, heard: () => undefined });
  expect(await (await exchange.answer).text()).toBe('');
  exchange.close();

  const [socket] = await connected;
  await once(socket.resume(), 'close');
  expect(socket.bytesRead).toBeLessThan(body.length);
});

/** A proxy that tunnels, as an operator names it in HTTPS_PROXY. */
function createProxy(): Server {
  return createServer().on('connect', ({ url = '' }: IncomingMessage, client, head) => {
    const [host, port] = url.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
}

async function listening(started: Server): Promise<number> {
  await once(started.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void started.close());
  return (started.address() as AddressInfo).port;
}

/** The port of a server whose certificate is trusted; null where none can be made. */
async function listeningSecurely(handle: RequestListener, ...extensions: string[]): Promise<number | null> {
  const certificate = await makeCertificate(...extensions);
  if (certificate === null) return null;
  onTestFinished(() => certificate.remove());
  setDefaultCACertificates([...getCACertificates(), certificate.text]);
  const [cert, key] = await Promise.all([readFile(certificate.certificateFile), readFile(certificate.keyFile)]);
  return listening(createSecureServer({ cert, key }, handle));
}

/** As if the environment named the proxy when the process began: what is imported from here on knows it. */
async function useProxy(proxy: Server): Promise<void> {
  const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${await listening(proxy)}` };
  Object.assign((globalAgent as unknown as { options: AgentOptions }).options, { proxyEnv });
  vi.resetModules();
}

test('a request through a proxy is known to have been sent, and its connection is not taken to be late', async ({ skip }) => {
  const port = await listeningSecurely((_, response) => void response.end('whole'));
  if (port === null) return skip();
  await useProxy(createProxy());
  const behindProxy = await import('../../packages/models/src/exchange.ts');

  const connected = vi.fn<() => void>();
  const exchange = behindProxy.startExchange(`https://127.0.0.1:${port}`, {}, { connected, heard: () => undefined });
  expect(await (await exchange.answer).text()).toBe('whole');
  expect(connected).toHaveBeenCalledOnce();
});

const proxied = {
  input: chatInput('Hello.'),
  maxOutputTokens: 1,
  drop: [],
  contextWindow: 1,
  requestId: 'r',
  timeoutMs: 5000,
  idleTimeoutMs: 5000,
  signal: new AbortController().signal,
};

test.each(setups)('a proxy that refuses a call of $name is a connection that failed, and nothing is billed', async (setup) => {
  await useProxy(createServer().on('connect', (_, client) => client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')));
  const behindProxy = await import('../../packages/models/src/model-client.ts');
  const call = behindProxy
    .createModelClient([setup.settings('https://127.0.0.1:1')])
    .call({ ...proxied, modelId: setup.modelId });
  await expect(call).rejects.toMatchObject({ error: { code: 'connection_failed', maybeBilled: false } });
});

test.each(setups)('$name: a connection that is not made in time is not billed', async (setup) => {
  // Takes the connection, and never answers the greeting of its encryption.
  const silent = createTcpServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const error = await callErrorOf(callModel(setup, url, chatInput('Hello.'), { timeoutMs: 100 }));
  expect(error).toMatchObject({ code: 'timeout', retryable: true, maybeBilled: false });
  silent.close();
});

test.each(setups)('$name: a connection that breaks before it is encrypted is not billed', async (setup) => {
  const rude = createTcpServer((socket) => void socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1');
  await once(rude, 'listening');
  const url = `https://127.0.0.1:${(rude.address() as AddressInfo).port}`;
  const error = await callErrorOf(callModel(setup, url, chatInput('Hello.')));
  expect(error).toMatchObject({ code: 'connection_failed', retryable: true, maybeBilled: false });
  rude.close();
});

test.each(setups)('$name: a refused connection is not billed', async (setup) => {
  const gone = await startFakeServer(() => undefined);
  await gone.close();
  const error = await callErrorOf(callModel(setup, gone.url, chatInput('Hello.')));
  expect(error).toMatchObject({ code: 'connection_failed', retryable: true, maybeBilled: false });
});

test.for(setups)(
  '$name: a certificate that is for something else is a connection that failed, and nothing is billed',
  async (setup, { skip }) => {
    const port = await listeningSecurely(() => undefined, 'extendedKeyUsage=clientAuth');
    if (port === null) return skip();
    const error = await callErrorOf(callModel(setup, `https://127.0.0.1:${port}`, chatInput('Hello.')));
    expect(error).toMatchObject({ code: 'connection_failed', retryable: true, maybeBilled: false });
    expect(error.message).toContain('INVALID_PURPOSE');
  },
);

test.for(setups)('$name: an encryption that breaks once the request is sent is maybe billed', async (setup, { skip }) => {
  let toClient: Socket | undefined;
  const spoil = (): void => void toClient?.write(Buffer.from([23, 3, 3, 0, 32, ...Array<number>(32).fill(0)]));
  const port = await listeningSecurely((request) => void request.resume().on('end', spoil));
  if (port === null) return skip();
  const between = createTcpServer((client) => {
    toClient = client;
    client.pipe(connect(port, '127.0.0.1')).pipe(client, { end: false });
  });
  const error = await callErrorOf(callModel(setup, `https://127.0.0.1:${await listening(between)}`, chatInput('Hello.')));
  expect(error).toMatchObject({ code: 'connection_failed', retryable: true, maybeBilled: true });
  expect(error.message).toContain('ERR_SSL_');
});

test.for(setups)('$name: a certificate that is refused behind a proxy is not billed', async (setup, { skip }) => {
  const port = await listeningSecurely(() => undefined, 'extendedKeyUsage=clientAuth');
  if (port === null) return skip();
  await useProxy(createProxy());
  const behindProxy = await import('../../packages/models/src/model-client.ts');
  const call = behindProxy
    .createModelClient([setup.settings(`https://127.0.0.1:${port}`)])
    .call({ ...proxied, modelId: setup.modelId });
  await expect(call).rejects.toMatchObject({ error: { code: 'connection_failed', maybeBilled: false } });
});
