import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { findOrInstallRedis } from '../../services/cli/src/local-redis-program.ts';

const SLOTS = 16_384;

/** A node of a cluster, in a process of its own. */
interface Node {
  port: number;
  /** Where its files are. */
  folder: string;
  id: string;
  redis: Redis;
}

export interface RedisCluster {
  /** For `REDIS_URL`. */
  url: string;
  nodes: Node[];
  /** The node that has a key's slot. */
  ownerOf(key: string): Promise<Node>;
  ownerOfSlot(slot: number): Promise<Node>;
  /** SIGKILL, and a start on the same files. */
  restart(node: Node): Promise<void>;
  /** Sends a signal to all nodes. */
  signal(signal: NodeJS.Signals): void;
  /** Stops all nodes in order; `startNodes` starts them on the same files. */
  stopNodes(): Promise<void>;
  startNodes(): Promise<void>;
  /** Moves the slot of a key to another node, key by key, while clients go on. */
  moveSlot(key: string, to: Node): Promise<void>;
  /** Begins that, and has moved only some of its keys. */
  beginMove(key: string, to: Node, moved: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Three masters on loopback, with an append-only file each. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-cluster-'));
  const program = await findOrInstallRedis(() => undefined, []);
  if (program === null) throw new Error('there is no redis-server, and none could be installed');
  const children = new Map<Node, ChildProcess>();
  const nodes: Node[] = [];
  for (const index of [0, 1, 2]) {
    const folder = join(directory, String(index));
    await mkdir(folder);
    const port = await freePort();
    const child = startServer(program, folder, port);
    const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    const node = { port, folder, redis, id: await redis.cluster('MYID') };
    children.set(node, child);
    nodes.push(node);
  }
  await meet(nodes);
  const startNode = (node: Node): void => void children.set(node, startServer(program, node.folder, node.port));
  const ownerOf = async (key: string): Promise<Node> => {
    return nodeOfSlot(nodes, await nodes[0]!.redis.cluster('KEYSLOT', key));
  };
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    ownerOf,
    ownerOfSlot: (slot) => nodeOfSlot(nodes, slot),
    async restart(node) {
      await end(children.get(node)!, 'SIGKILL');
      startNode(node);
      while (!(await isWhole(node.redis, nodes.length)));
    },
    signal: (signal) => children.forEach((child) => child.kill(signal)),
    stopNodes: async () => void (await Promise.all([...children.values()].map((child) => end(child, 'SIGTERM')))),
    async startNodes() {
      nodes.forEach(startNode);
      for (const { redis } of nodes) while (!(await isWhole(redis, nodes.length)));
    },
    async moveSlot(key, to) {
      const slot = await to.redis.cluster('KEYSLOT', key);
      await moveSlot(slot, await nodeOfSlot(nodes, slot), to, nodes);
    },
    async beginMove(key, to, moved) {
      const slot = await to.redis.cluster('KEYSLOT', key);
      await beginMove(slot, await nodeOfSlot(nodes, slot), to, moved);
    },
    async stop() {
      for (const { redis } of nodes) redis.disconnect();
      await Promise.all([...children.values()].map((child) => end(child, 'SIGKILL')));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function startServer(program: string, directory: string, port: number): ChildProcess {
  const flags = {
    port,
    dir: directory,
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    appendonly: 'yes',
    save: '',
    'cluster-node-timeout': 2000,
  };
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return spawn(program, given, { stdio: 'ignore' });
}

/** The cluster's bus takes the port 10,000 above. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    if (port < 55_000) return port;
  }
}

async function meet(nodes: Node[]): Promise<void> {
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [index, { redis }] of nodes.entries())
    await redis.cluster('ADDSLOTSRANGE', index * share, Math.min(SLOTS, (index + 1) * share) - 1);
  for (const { port } of nodes.slice(1)) await nodes[0]!.redis.cluster('MEET', '127.0.0.1', port);
  for (const { redis } of nodes) while (!(await isWhole(redis, nodes.length)));
}

async function isWhole(redis: Redis, count: number): Promise<boolean> {
  const info = await redis.cluster('INFO');
  return (
    info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`) && info.includes(`cluster_size:${count}`)
  );
}

async function nodeOfSlot(nodes: Node[], slot: number): Promise<Node> {
  const ranges = await nodes[0]!.redis.cluster('SLOTS');
  const range = ranges.find(([first, last]) => slot >= first && slot <= last);
  const owner = nodes.find(({ id }) => id === range?.[2]?.[2]);
  if (owner === undefined) throw new Error(`no node has slot ${slot}`);
  return owner;
}

const KEYS_AT_ONCE = 20;
const MIGRATE_TIMEOUT_MS = 5000;

async function beginMove(slot: number, from: Node, to: Node, keys: string[]): Promise<void> {
  await to.redis.cluster('SETSLOT', slot, 'IMPORTING', from.id);
  await from.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id);
  await moveKeys(from, to, keys);
}

async function moveKeys(from: Node, to: Node, keys: string[]): Promise<void> {
  if (keys.length > 0) await from.redis.migrate('127.0.0.1', to.port, '', 0, MIGRATE_TIMEOUT_MS, 'KEYS', ...keys);
}

async function moveSlot(slot: number, from: Node, to: Node, all: Node[]): Promise<void> {
  await beginMove(slot, from, to, []);
  for (;;) {
    const keys = await from.redis.cluster('GETKEYSINSLOT', slot, KEYS_AT_ONCE);
    if (keys.length === 0) break;
    await moveKeys(from, to, keys);
  }
  for (const { redis } of [to, from, ...all]) await redis.cluster('SETSLOT', slot, 'NODE', to.id);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
