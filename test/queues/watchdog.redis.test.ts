import { once } from 'node:events';
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { accept, queueOf } from '@upshift/queues';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { question } from '../routing/example.ts';
import { closeAll, openTestPipeline, stateOf, until } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const open: TestPipeline[] = [];
let pipeline: TestPipeline;
let network: Network;

/** What lies between a process and Redis. Frozen, it carries nothing any more on connections that exist, as a firewall that has forgotten them. */
interface Network {
  url: string;
  freeze(): void;
  close(): Promise<void>;
}

async function startNetwork(redisUrl: string): Promise<Network> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = redisUrl.startsWith('unix://')
      ? connect(redisUrl.slice('unix://'.length))
      : connect(Number(new URL(redisUrl).port), new URL(redisUrl).hostname);
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
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => sockets.forEach((socket) => socket.unpipe().pause()),
    async close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

beforeEach(async () => {
  const cleaner = await openTestPipeline(inject('redisUrl'));
  await cleaner.redis.flushall();
  await closeAll([cleaner]);
  pipeline = await openTestPipeline(inject('redisUrl'));
  open.push(pipeline);
  network = await startNetwork(inject('redisUrl'));
});
afterEach(async () => {
  await network.close();
  await closeAll(open);
});

/** Shorter than a wait for entries, which is five seconds long: where nothing else is wrong, none must be due. */
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

test('a process whose connection is dead ends with 1 while entries are due, and the one that follows takes them', async () => {
  const classifier = await startClassifier(impatient);
  const before = await accept(pipeline, question, null);
  await until(pipeline, async () => (await stateOf(pipeline, before.id)).classification !== null);

  network.freeze();
  const { id } = await accept(pipeline, question, null);
  expect(await classifier.exit).toEqual([1, null]);

  const next = await startClassifier();
  await until(pipeline, async () => (await stateOf(pipeline, id)).classification !== null);
  next.kill();
});

test('a queue that is paused ends nobody, however long nothing is taken', async () => {
  const classifier = await startClassifier(impatient);
  const queue = queueOf(pipeline, 'classify');
  await queue.pause();
  network.freeze();
  await accept(pipeline, question, null);
  // Looked at four times a second, and ended after the second look: four looks that end nothing, each by a connection of its own.
  const connections = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await pipeline.redis.info('stats'))?.[1]);
  const first = await connections();
  let ended = false;
  void classifier.exit.then(() => (ended = true));
  await until(pipeline, async () => (await connections()) >= first + 4);
  expect(ended).toBe(false);
  await queue.resume();
  expect(await classifier.exit).toEqual([1, null]);
});
