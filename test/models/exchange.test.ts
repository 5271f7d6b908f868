import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, globalAgent } from 'node:http';
import type { AgentOptions, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';

import { startExchange } from '../../packages/models/src/exchange.ts';
import { makeCertificate } from '../cluster/certificate.ts';

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

test('a request through a proxy is known to have been sent, and its connection is not taken to be late', async ({ skip }) => {
  const certificate = await makeCertificate();
  if (certificate === null) return skip();
  onTestFinished(() => certificate.remove());
  setDefaultCACertificates([...getCACertificates(), certificate.text]);
  const [cert, key] = await Promise.all([readFile(certificate.certificateFile), readFile(certificate.keyFile)]);
  const port = await listening(createSecureServer({ cert, key }, (_, response) => void response.end('whole')));
  const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${await listening(createProxy())}` };
  Object.assign((globalAgent as unknown as { options: AgentOptions }).options, { proxyEnv });
  vi.resetModules();
  const behindProxy = await import('../../packages/models/src/exchange.ts');

  const connected = vi.fn<() => void>();
  const exchange = behindProxy.startExchange(`https://127.0.0.1:${port}`, {}, { connected, heard: () => undefined });
  expect(await (await exchange.answer).text()).toBe('whole');
  expect(connected).toHaveBeenCalledOnce();
});
