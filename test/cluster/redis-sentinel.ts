import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { findOrInstallRedis } from '../../services/cli/src/local-redis-program.ts';
import type { Certificate } from './certificate.ts';
import { freePort } from './redis-cluster.ts';

const MASTER = 'upshift';
const SENTINELS = 3;
/** Of the sentinels alone: the servers are open. */
const PASSWORD = 'watch over it';
/** A master that is silent for so long is replaced, in ms. */
const DOWN_AFTER_MS = 1000;

export interface WatchedRedis {
  /** For `REDIS_URL`. */
  url: string;
  /** Resolves when the replica has all that the master has. */
  caughtUp(): Promise<void>;
  /** SIGKILL; resolves when the sentinels have made the replica the master. */
  killMaster(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A master with a replica, both with an append-only file, and three sentinels with a password over them, on loopback.
 *
 * @param certificate where they are to speak TLS and nothing else
 */
export async function startWatchedRedis(certificate: Certificate | null = null): Promise<WatchedRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-sentinel-'));
  const program = await findOrInstallRedis(() => undefined, []);
  if (program === null) throw new Error('there is no redis-server, and none could be installed');
  const children: ChildProcess[] = [];
  const clients: Redis[] = [];
  const start = (args: string[]): ChildProcess => {
    const child = spawn(program, args, { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const open = (port: number, access: { password?: string } = {}): Redis => {
    const tls = certificate === null ? {} : { tls: { ca: certificate.text } };
    const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null, ...tls, ...access });
    redis.on('error', () => undefined);
    clients.push(redis);
    return redis;
  };
  const startServer = async (name: string, flags: string[]): Promise<{ port: number; child: ChildProcess; redis: Redis }> => {
    const folder = join(directory, name);
    await mkdir(folder);
    const port = await freePort();
    const listening = listensOn(port, certificate).flatMap(([name, value]) => [`--${name}`, value]);
    const shared = [...listening, '--dir', folder, '--bind', '127.0.0.1', '--appendonly', 'yes', '--save', ''];
    return { port, child: start([...shared, ...flags]), redis: open(port) };
  };
  const startSentinel = async (masterPort: number): Promise<{ port: number; redis: Redis }> => {
    const port = await freePort();
    // It writes what it learns into its configuration.
    const file = join(directory, `sentinel-${port}.conf`);
    const listening = listensOn(port, certificate).map((setting) => setting.join(' '));
    await writeFile(file, sentinelConfig(listening, masterPort, directory));
    start([file, '--sentinel']);
    return { port, redis: open(port, { password: PASSWORD }) };
  };

  const master = await startServer('master', []);
  const replica = await startServer('replica', ['--replicaof', '127.0.0.1', String(master.port)]);
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(master.port)));
  for (const { redis } of sentinels) while (!(await knowsAll(redis)));
  return {
    url: urlOf(
      sentinels.map(({ port }) => port),
      certificate,
    ),
    async caughtUp() {
      while ((await offsetOf(master.redis)) !== (await offsetOf(replica.redis)));
    },
    async killMaster() {
      await end(master.child);
      for (const { redis } of sentinels) while ((await masterPortOf(redis)) !== replica.port);
      while (!(await replica.redis.info('replication')).includes('role:master'));
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(children.map(end));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function urlOf(ports: number[], certificate: Certificate | null): string {
  const scheme = certificate === null ? 'redis' : 'rediss';
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  return `${scheme}+sentinel://${hosts}/${MASTER}?sentinel_password=${encodeURIComponent(PASSWORD)}`;
}

/** The settings of a server or a sentinel for its port. */
function listensOn(port: number, certificate: Certificate | null): [name: string, value: string][] {
  if (certificate === null) return [['port', String(port)]];
  return [
    ['port', '0'],
    ['tls-port', String(port)],
    ['tls-replication', 'yes'],
    ['tls-auth-clients', 'no'],
    ['tls-cert-file', certificate.certificateFile],
    ['tls-key-file', certificate.keyFile],
    ['tls-ca-cert-file', certificate.certificateFile],
  ];
}

function sentinelConfig(listening: string[], masterPort: number, directory: string): string {
  return [
    ...listening,
    `dir ${directory}`,
    'bind 127.0.0.1',
    `requirepass "${PASSWORD}"`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 10000`,
    '',
  ].join('\n');
}

/** Whether a sentinel has met the others and the replica: before, there is no failover. */
async function knowsAll(sentinel: Redis): Promise<boolean> {
  const [others, replicas] = await Promise.all(
    ['SENTINELS', 'REPLICAS'].map((kind) => sentinel.call('SENTINEL', kind, MASTER) as Promise<unknown[]>),
  );
  return others?.length === SENTINELS - 1 && replicas?.length === 1;
}

async function masterPortOf(sentinel: Redis): Promise<number> {
  const address = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)) as string[] | null;
  return Number(address?.[1]);
}

/** How much of the master's stream of writes a server has: of the replica only once it is linked. */
async function offsetOf(redis: Redis): Promise<string> {
  const info = await redis.info('replication');
  if (info.includes('role:slave') && !info.includes('master_link_status:up')) return 'not linked';
  return /(?:slave_repl_offset|master_repl_offset):(\d+)/.exec(info)?.[1] ?? 'unknown';
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
