import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadConfig } from '@upshift/runtime';
import { Redis } from 'ioredis';
import { parse, stringify } from 'yaml';

import { startLocalRedis } from '../../services/cli/src/local-redis.ts';
import { startFleet } from '../../services/cli/src/up/fleet.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A Redis as `npm start` runs it (append-only file, fsync every second), for one figure; ours and the reference share it. */
export interface BenchRedis {
  url: string;
  redis: Redis;
  /** Seconds of CPU that Redis has used for commands. */
  cpuSeconds: () => Promise<number>;
  usedBytes: () => Promise<number>;
  /** The same without the streams of events and of labels, which grow with the first jobs up to their bounds. */
  keptBytes: () => Promise<number>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<BenchRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-bench-redis-'));
  const server = await startLocalRedis({ directory, say: () => undefined });
  const redis = server.url.startsWith('unix://')
    ? new Redis({ path: server.url.slice('unix://'.length) })
    : new Redis(server.url);
  const info = async (section: string, field: string): Promise<number> =>
    Number(new RegExp(`^${field}:(.+)$`, 'm').exec(await redis.info(section))?.[1]);
  return {
    url: server.url,
    redis,
    cpuSeconds: async () => (await info('cpu', 'used_cpu_sys_main_thread')) + (await info('cpu', 'used_cpu_user_main_thread')),
    usedBytes: () => info('memory', 'used_memory'),
    async keptBytes() {
      const streams = ['{upshift-0}:events', '{upshift-0}:labels'];
      const sizes = await Promise.all(streams.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
      return (await info('memory', 'used_memory')) - sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    },
    async stop() {
      redis.disconnect();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface BenchSystem {
  /** Of the job API. */
  url: string;
  pids: { name: string; pid: number }[];
  stop(): Promise<void>;
}

export interface SystemOptions {
  /** Services that are not started. */
  leaveOut?: readonly string[];
  /** Calls in flight of the economy worker; the shipped configuration's where it is not given. */
  concurrency?: number;
  economyWorkers?: number;
  /** What the stub takes to answer, in ms; null for the real worker and its providers. */
  modelMs?: number | null;
  sandboxUrl?: string;
  /** How long ended jobs are kept, in hours. */
  jobHours?: number;
}

/** All services as `npm start` runs them, on free ports, with the stub for a model unless the real ones are asked for. */
export async function startSystem(redisUrl: string, options: SystemOptions = {}): Promise<BenchSystem> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-bench-'));
  const configFile = join(directory, 'upshift.config.yaml');
  await writeFile(configFile, stringify(await configWith(options)));
  const { modelMs = 0, sandboxUrl = 'http://127.0.0.1:9' } = options;
  const fleet = await startFleet({
    config: loadConfig(configFile),
    environment: {
      ...process.env,
      REDIS_URL: redisUrl,
      UPSHIFT_SANDBOX_URL: sandboxUrl,
      UPSHIFT_CONFIG: configFile,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      ...(modelMs === null ? {} : { BENCH_MODEL_MS: String(modelMs) }),
    },
    consolePassword: 'only for this bench',
    directory,
    port: 0,
    workers: { economy: options.economyWorkers ?? 1 },
    ...(options.leaveOut ? { leaveOut: options.leaveOut } : {}),
    ...(modelMs === null ? {} : { workerProgram: `${root}test/bench/stub-worker.ts` }),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  const started = await fleet.all;
  return {
    url: `http://127.0.0.1:${fleet.intake.port}`,
    pids: started.map(({ name, pid }) => ({ name, pid })),
    async stop() {
      await fleet.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface ConfigFile {
  models: Record<string, { tier: string; concurrency?: number; capabilities: string[] }>;
  retention: { job_hours: number; idempotency_hours: number };
}

async function configWith({ concurrency, jobHours }: SystemOptions): Promise<ConfigFile> {
  const config = parse(await readFile(join(root, 'upshift.config.yaml'), 'utf8')) as ConfigFile;
  if (concurrency !== undefined)
    for (const model of Object.values(config.models)) if (model.tier === 'economy') model.concurrency = concurrency;
  if (jobHours !== undefined) config.retention = { job_hours: jobHours, idempotency_hours: jobHours };
  return config;
}
