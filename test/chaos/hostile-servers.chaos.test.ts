import { once } from 'node:events';
import { createServer, globalAgent } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput } from '../models/conformance.ts';
import { setups } from '../models/setups.ts';
import type { AdapterSetup } from '../models/setups.ts';

/** Chaos 4: whatever a server does, a call ends with an error within its deadline, and memory stays flat. */

const DEADLINE_MS = 700;
const SILENCE_MS = 200;
/** For two cores that do other things as well. */
const SLACK_MS = 1000;
/** What one behaviour may leave behind after a collection, in bytes, for all of its calls. */
const FLAT_BYTES = 10_000_000;
const CALLS_AT_ONCE = 8;

type Behaviour = (response: ServerResponse, setup: AdapterSetup) => void;

const filler = Buffer.alloc(64 * 1024, 'a');

function begin(response: ServerResponse, { stream }: AdapterSetup): ServerResponse {
  return response.writeHead(200, { 'content-type': stream.contentType });
}

/** Writes as fast as the client reads, until `bytes` are out or the client has left. */
function pour(response: ServerResponse, part: Buffer, bytes = Infinity): void {
  let written = 0;
  const more = (): void => {
    while (!response.destroyed && written < bytes) {
      written += part.length;
      if (!response.write(part)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

function drip(response: ServerResponse, part: string): void {
  const timer = setInterval(() => response.write(part), 50);
  response.once('close', () => clearInterval(timer));
}

/** A line that says nothing, in the stream's own format. */
const nothing = ({ name }: AdapterSetup): string => (name === 'ollama' ? '\n' : ': still here\n\n');
const half = ({ stream }: AdapterSetup): string => stream.frames.join('').slice(0, stream.frames.join('').indexOf('ok'));

const behaviours: Record<string, Behaviour> = {
  'no answer at all': () => undefined,
  'headers and no body': (response, setup) => begin(response, setup).flushHeaders(),
  'a body that stalls in the middle': (response, setup) => void begin(response, setup).write(half(setup)),
  'half a stream, ended as if it were whole': (response, setup) => void begin(response, setup).end(half(setup)),
  'half a stream, then a broken connection': (response, setup) =>
    void begin(response, setup).write(half(setup), () => response.destroy()),
  'an answer of 10 MB': (response, setup) => {
    begin(response, setup).write(half(setup));
    pour(response, filler, 10_000_000);
  },
  'an endless stream': (response, setup) => pour(begin(response, setup), Buffer.from(nothing(setup).repeat(4096))),
  'an endless stream that drips': (response, setup) => drip(begin(response, setup), nothing(setup)),
  'an endless line': (response, setup) => pour(begin(response, setup), filler),
  'a whole answer that goes on for ever': (response, setup) => {
    const frames = setup.stream.frames.filter((frame) => !frame.includes('[DONE]')).slice(0, -1);
    begin(response, setup).write(frames.join('') + half(setup));
    drip(response, 'a');
  },
  'invalid UTF-8': (response, setup) => {
    const [before = '', after = ''] = setup.stream.frames.join('').split('"ok"');
    begin(response, setup).end(
      Buffer.concat([Buffer.from(`${before}"`), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(`"${after}`)]),
    );
  },
  'a character cut off at the end': (response, setup) =>
    void begin(response, setup).end(Buffer.concat([Buffer.from(half(setup)), Buffer.from([0xf0, 0x9f])])),
  'a page of HTML': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>'),
  'an answer of another type': (response, { stream }) =>
    void response.writeHead(200, { 'content-type': 'image/png' }).end(stream.frames.join('')),
  'an encoding that was not asked for': (response, { stream }) =>
    void response.writeHead(200, { 'content-type': stream.contentType, 'content-encoding': 'gzip' }).end('bomb'),
  'an empty answer': (response, setup) => void begin(response, setup).end(),
  'no content': (response) => void response.writeHead(204).end(),
  'a redirect': (response) => void response.writeHead(307, { location: `${elsewhereUrl}/` }).end(),
  'a redirect with an endless body': (response) =>
    pour(response.writeHead(302, { location: elsewhereUrl, 'content-type': 'text/html' }), filler),
  'an error with an endless body': (response) => pour(response.writeHead(500, { 'content-type': 'application/json' }), filler),
  'an error whose body stalls': (response) =>
    void response.writeHead(503, { 'content-type': 'application/json' }).write('{"error":'),
  'headers without end': (response) =>
    pour(response.socket as unknown as ServerResponse, Buffer.from('HTTP/1.1 200 OK\r\n'.padEnd(65_536, 'x: y\r\n'))),
  'something that is not HTTP': (response) => void response.socket?.end('220 smtp.example.com ready\r\n'),
  'a length that is not kept': (response, setup) => {
    response.writeHead(200, { 'content-type': setup.stream.contentType, 'content-length': '1000000' });
    response.write(half(setup), () => response.destroy());
  },
};

let elsewhereUrl = '';
let followed = 0;
const elsewhere = createServer((_, response) => {
  followed += 1;
  response.end();
});

beforeAll(async () => {
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  elsewhereUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
});
afterAll(() => void elsewhere.close());

for (const setup of setups) {
  describe(`${setup.name}: hostile servers`, () => {
    let behave: Behaviour;
    const server = createServer((request, response) => {
      response.on('error', () => undefined);
      request.socket.on('error', () => undefined);
      request.resume();
      behave(response, setup);
    });
    let url = '';
    beforeAll(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      server.close();
      server.closeAllConnections();
    });

    test.each(Object.entries(behaviours))(
      '%s is an error within the deadline, and memory stays flat',
      async (name, behaviour) => {
        behave = behaviour;
        // Else calls may go out on a connection that the server has just closed.
        globalAgent.destroy();
        const before = usedBytes();
        const calls = await Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => timedCall(setup, url)));
        await expect.poll(() => connectionsOf(server), { timeout: 20_000 }).toBe(0);
        // Buffers are freed a while after they were collected.
        await expect.poll(() => usedBytes() - before, { timeout: 20_000 }).toBeLessThan(FLAT_BYTES);
        const keptBytes = usedBytes() - before;
        const slowestMs = Math.max(...calls.map(({ ms }) => ms));
        const codes = [...new Set(calls.map(({ code }) => code))];
        const figures = {
          adapter: setup.name,
          server: name,
          calls: calls.length,
          codes,
          slowest_ms: slowestMs,
          kept_bytes: keptBytes,
        };
        process.stdout.write(`${JSON.stringify({ chaos: 'hostile', ...figures })}\n`);

        expect(slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
        expect(codes.filter((code) => !['timeout', 'provider_error', 'connection_failed', 'overloaded'].includes(code))).toEqual(
          [],
        );
        expect(followed).toBe(0);
      },
    );
  });
}

async function timedCall(setup: AdapterSetup, url: string): Promise<{ ms: number; code: string }> {
  const startedAt = performance.now();
  const bounds = { timeoutMs: DEADLINE_MS, idleTimeoutMs: SILENCE_MS };
  const { code } = await callErrorOf(callModel(setup, url, chatInput('Tell me a story.'), bounds));
  return { ms: Math.round(performance.now() - startedAt), code };
}

function connectionsOf(server: ReturnType<typeof createServer>): Promise<number> {
  server.closeIdleConnections();
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}

/** What is in use after a collection; without one the figure says nothing. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
