import { once } from 'node:events';
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { accept, queueOf } from '@upshift/queues';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { question } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { serversOf, stateOf, until } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let pipeline: TestPipeline;
let network: Network;

/** What lies between a process and Redis. Frozen, it carries nothing any more on connections that exist, as a firewall that has forgotten them. */
interface Network {
  url: string;
  freeze(): void;
  close(): Promise<void>;
}

/** A way to each server. The nodes of a cluster name one another to their clients: they are told to name the ways. */
async function startNetwork(redis: Redis): Promise<Network> {
  const servers = serversOf(redis);
  const ways = await Promise.all(servers.map(startWay));
  const portsOfWays = ways.map(({ port }) => port);
  const isCluster = !servers.includes(redis);
  if (isCluster) await announce(servers, portsOfWays);
  return {
    url: `redis${isCluster ? '+cluster' : ''}://${portsOfWays.map((port) => `127.0.0.1:${port}`).join()}`,
    freeze: () => ways.forEach((way) => way.freeze()),
    async close() {
      const ports = servers.map(({ options }) => options.port ?? 0);
      if (isCluster) await announce(servers, ports);
      await Promise.all(ways.map((way) => way.close()));
    },
  };
}

/** Resolves when each node of a cluster names all of them by these ports. */
async function announce(servers: Redis[], ports: number[]): Promise<void> {
  for (const [index, server] of servers.entries()) await server.config('SET', 'cluster-announce-port', String(ports[index]));
  for (const server of servers) while (!(await namesOnly(server, ports)));
}

async function namesOnly(server: Redis, ports: number[]): Promise<boolean> {
  const ranges = await server.cluster('SLOTS');
  return ranges.every(([, , master]) => ports.includes(Number(master?.[1])));
}

interface Way {
  port: number;
  freeze(): void;
  close(): Promise<void>;
}

async function startWay({ options: { path, host, port } }: Redis): Promise<Way> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = path ? connect(path) : connect(port ?? 0, host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => sockets.forEach((socket) => socket.unpipe().pause()),
    async close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

beforeEach(async () => {
  pipeline = await freshPipeline();
  network = await startNetwork(pipeline.redis);
});
afterEach(async () => {
  await network.close();
});

/** Shorter than a wait for entries, which is five seconds long and is no neglect. */
const impatient = { STUCK_AFTER_S: '1' };

/** A classifier that reaches Redis over the network of this test. */
async function startClassifier(settings: Record<string, string> = {}): Promise<{ exit: Promise<unknown[]>; kill(): void }> {
  const child = fork(`${root}services/classifier/src/main.ts`, {
    cwd: root,
    env: {
      ...process.env,
      REDIS_URL: network.url,
      PORT: '0',
      LOG_LEVEL: 'fatal',
      UPSHIFT_DISPOSABLE_REDIS: 'true',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exit = once(child, 'exit');
  await once(child, 'message');
  return { exit, kill: () => child.kill('SIGKILL') };
}

/** A connection to a node of a cluster is made when it is needed: before that there is none that could be frozen. */
async function untilAtWork(): Promise<void> {
  const { id } = await accept(pipeline, question, null);
  await until(pipeline, async () => (await stateOf(pipeline, id)).classification !== null);
}

test('a process whose connection is dead ends with 1 while entries are due, and the one that follows takes them', async () => {
  const classifier = await startClassifier(impatient);
  await untilAtWork();

  network.freeze();
  const { id } = await accept(pipeline, question, null);
  expect(await classifier.exit).toEqual([1, null]);

  const next = await startClassifier();
  await until(pipeline, async () => (await stateOf(pipeline, id)).classification !== null);
  next.kill();
});

async function callsOf(command: string): Promise<number> {
  const stats = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('commandstats')));
  return stats.reduce((sum, text) => sum + Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0), 0);
}

/** How often somebody asked whether the queue is paused: once with each look, and nobody else does. */
const looks = (): Promise<number> => callsOf('hget');

test('a process that waits for entries as it should is not ended, though another one works on one for long', async () => {
  const classifier = await startClassifier(impatient);
  let ended = false;
  void classifier.exit.then(() => (ended = true));
  await pipeline.redis.set('{upshift-0}:classify:another:lock', 'another', 'PX', 60_000);
  await pipeline.redis.lpush('{upshift-0}:classify:active', 'another');
  const waits = await callsOf('bzpopmin');
  await until(pipeline, async () => ended || (await callsOf('bzpopmin')) >= waits + 2);
  expect(ended).toBe(false);
  classifier.kill();
});

test('a queue that is paused ends nobody, however long nothing is taken', async () => {
  const classifier = await startClassifier(impatient);
  await untilAtWork();
  const queue = queueOf(pipeline, 'classify');
  await queue.pause();
  network.freeze();
  await accept(pipeline, question, null);
  // Looked at four times a second, and ended after the second look: four looks that end nothing.
  const first = await looks();
  let ended = false;
  void classifier.exit.then(() => (ended = true));
  await until(pipeline, async () => (await looks()) >= first + 4);
  expect(ended).toBe(false);
  await queue.resume();
  expect(await classifier.exit).toEqual([1, null]);
});
