import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { upshiftConfig } from '@upshift/contracts';
import { parse, stringify } from 'yaml';
import type { z } from 'zod';

import { startLocalRedis } from '../../services/cli/src/local-redis.ts';
import type { LocalRedis } from '../../services/cli/src/local-redis.ts';
import { startRedisCluster } from '../cluster/redis-cluster.ts';
import { startSandbox } from '../sandbox/server.ts';
import type { Sandbox } from '../sandbox/server.ts';
import { createJobApi } from './job-api.ts';
import type { JobApi } from './job-api.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const CONSOLE_PASSWORD = 'only for this test';

/** Every program of a deployment, by the name under which a test starts and stops it. */
export const programs = [
  'intake',
  'console',
  'classifier',
  'scorer',
  'steward',
  'notifier',
  'worker-economy',
  'worker-standard',
  'worker-premium',
  'worker-fallback',
] as const;
/** The last is a second worker of a tier: not started unless a test asks for it. */
export type ProgramName = (typeof programs)[number] | 'worker-economy-2';

export type TestConfig = z.input<typeof upshiftConfig>;

export interface FleetOptions {
  /** Changes the shipped configuration in place. */
  configure?: (config: TestConfig) => void;
  /** Started at once; all by default. */
  start?: readonly ProgramName[];
  environment?: Record<string, string>;
}

/** One server, or a cluster where the tests run on one. */
interface FleetRedis {
  url: string;
  /** Of the server; throws on a cluster. */
  pid: number;
  /** How many cells jobs are spread over. */
  cells: number;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** Upshift as it runs: its programs, a Redis of its own, and the provider sandbox in this process. */
export interface Fleet {
  api: JobApi;
  sandbox: Sandbox;
  redis: FleetRedis;
  /** The configuration that programs started from now on read, with its defaults filled in. */
  config(): z.output<typeof upshiftConfig>;
  configure(change: (config: TestConfig) => void): Promise<void>;
  start(...names: ProgramName[]): Promise<void>;
  /** SIGTERM; resolves with the exit codes. */
  stop(...names: ProgramName[]): Promise<(number | null)[]>;
  /** SIGKILL; resolves when the process is gone. */
  kill(name: ProgramName): Promise<void>;
  url(name: ProgramName): string;
  pid(name: ProgramName): number;
  /** All that all programs have written. */
  output(): string;
  close(): Promise<void>;
}

interface Program {
  child: ChildProcess;
  port: number;
}

/** A program that has not said that it is ready by then never will. They take a second, and much longer on a busy machine. */
const READY_WITHIN_MS = 90_000;

export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-system-'));
  const config = await createConfigFile(join(directory, 'upshift.config.yaml'), options.configure);
  const redis = process.env.UPSHIFT_TEST_CLUSTER === 'true' ? await createCluster() : await createRedis(join(directory, 'redis'));
  const sandbox = await startSandbox();
  const running = new Map<ProgramName, Program>();
  const output: string[] = [];
  const environment = {
    ...process.env,
    REDIS_URL: redis.url,
    UPSHIFT_CELLS: String(redis.cells),
    PORT: '0',
    UPSHIFT_SANDBOX_URL: sandbox.url,
    UPSHIFT_CONFIG: config.path,
    UPSHIFT_CONSOLE_PASSWORD: CONSOLE_PASSWORD,
    LOG_LEVEL: 'trace',
    ...options.environment,
  };

  const start = async (name: ProgramName): Promise<void> => void running.set(name, await startProgram(name, environment, output));
  const end = async (name: ProgramName, signal: NodeJS.Signals): Promise<number | null> => {
    const program = running.get(name);
    running.delete(name);
    return program === undefined ? null : endProgram(program.child, signal);
  };
  const programOf = (name: ProgramName): Program => {
    const program = running.get(name);
    if (program === undefined) throw new Error(`${name} does not run`);
    return program;
  };
  const url = (name: ProgramName): string => `http://127.0.0.1:${programOf(name).port}`;

  const fleet: Fleet = {
    api: createJobApi(() => url('intake')),
    sandbox,
    redis,
    config: () => config.read(),
    configure: (change) => config.change(change),
    start: async (...names) => void (await Promise.all(names.map(start))),
    stop: (...names) => Promise.all(names.map((name) => end(name, 'SIGTERM'))),
    kill: async (name) => void (await end(name, 'SIGKILL')),
    url,
    pid: (name) => programOf(name).child.pid ?? 0,
    output: () => output.join(''),
    async close() {
      sandbox.settings.change({ hold: false });
      await Promise.all([...running.keys()].map((name) => end(name, 'SIGKILL')));
      await sandbox.close();
      await redis.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await startOrClose(fleet, options.start ?? programs);
  return fleet;
}

async function startOrClose(fleet: Fleet, names: readonly ProgramName[]): Promise<void> {
  try {
    await fleet.start(...names);
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

async function startProgram(name: ProgramName, environment: NodeJS.ProcessEnv, output: string[]): Promise<Program> {
  const [service = name, tier] = name.split('-');
  const child = fork(join(root, 'services', service, 'src', 'main.ts'), {
    env: { ...environment, ...(tier === undefined ? {} : { TIER: tier }) },
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const own: string[] = [];
  const keep = (chunk: Buffer): void => [own, output].forEach((lines) => lines.push(String(chunk)));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return { child, port: await portOf(name, child, own) };
}

async function portOf(name: ProgramName, child: ChildProcess, output: string[]): Promise<number> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  const ready = once(child, 'message', { signal }).then(([message]) => (message as { port: number }).port);
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`exit code ${code}`);
  });
  try {
    return await Promise.race([ready, ended]);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${name} did not start. It wrote:\n${output.join('')}`, { cause: error });
  } finally {
    settled.abort();
    await Promise.allSettled([ready, ended]);
  }
}

async function endProgram(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

interface ConfigFile {
  path: string;
  read(): z.output<typeof upshiftConfig>;
  change(change: (config: TestConfig) => void): Promise<void>;
}

async function createConfigFile(path: string, configure: FleetOptions['configure']): Promise<ConfigFile> {
  const config = parse(await readFile(join(root, 'upshift.config.yaml'), 'utf8')) as TestConfig;
  const change = async (edit: (config: TestConfig) => void): Promise<void> => {
    edit(config);
    await writeFile(path, stringify(config));
  };
  await change(configure ?? (() => undefined));
  return { path, change, read: () => upshiftConfig.parse(config) };
}

/** With a directory that outlives a stop, so that the same data can be started again. */
async function createRedis(directory: string): Promise<FleetRedis> {
  const startServer = (): Promise<LocalRedis> => startLocalRedis({ directory, say: (line) => process.stderr.write(`${line}\n`) });
  let server = await startServer();
  const pid = (): number => {
    if (server.pid === null) throw new Error('Redis runs in a container');
    return server.pid;
  };
  return {
    url: server.url,
    get pid() {
      return pid();
    },
    cells: 1,
    signal: (signal) => void process.kill(pid(), signal),
    stop: () => server.stop(),
    start: async () => void (server = await startServer()),
    close: () => server.stop(),
  };
}

/** So many that they stand on all three nodes: the slots of the first three stand on two. */
const CELLS_ON_A_CLUSTER = 4;

async function createCluster(): Promise<FleetRedis> {
  const cluster = await startRedisCluster();
  return {
    url: cluster.url,
    get pid(): number {
      throw new Error('a cluster has several processes');
    },
    cells: CELLS_ON_A_CLUSTER,
    signal: (signal) => cluster.signal(signal),
    stop: () => cluster.stopNodes(),
    start: () => cluster.startNodes(),
    close: () => cluster.stop(),
  };
}
