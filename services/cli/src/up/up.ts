import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { UpshiftConfig } from '@upshift/contracts';
import { loadConfig, readEnvironment, resolveProviders } from '@upshift/runtime';
import type { Environment } from '@upshift/runtime';

import { startLocalRedis } from '../local-redis.ts';
import { readAnswerBook } from './answer-book.ts';
import { startFleet, startSandbox } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { printResult } from './print-result.ts';
import { createProgress } from './progress.ts';
import { resultOf } from './result.ts';
import type { Result } from './result.ts';
import { runWorkload } from './run-workload.ts';
import { openRun, readWorkload } from './workload.ts';
import type { Workload } from './workload.ts';

export interface UpOptions {
  once: boolean;
  json: boolean;
  workload?: string;
  port: number;
  data: string;
}

const examples = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const bundled = { workload: `${examples}workload.jsonl`, book: `${examples}answer-book.jsonl`, faults: `${examples}faults.json` };

/** Whatever was started, in the order in which it must be stopped. */
type Stop = () => Promise<void>;

/** `upshift up`: everything on this machine. Returns the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const stops: Stop[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  const interrupted = interruption();
  try {
    const main = start(options, stops, interrupted.signal);
    main.catch(() => undefined);
    const outcome = await Promise.race([main, interrupted.promise]);
    if (outcome === 'finished' && !options.once) await interrupted.promise;
    return 0;
  } catch (error) {
    process.stderr.write(`upshift: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    say('stopping');
    await stopAll();
  }
}

async function start(options: UpOptions, stops: Stop[], signal: AbortSignal): Promise<'finished'> {
  const environment = readEnvironment();
  const config = loadConfig(environment.UPSHIFT_CONFIG);
  const directory = resolve(options.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const live = resolveProviders(config, environment.raw).filter(({ off }) => off === null);
  const sandboxed = live.length === 0;
  sayWhatRuns(config, environment, sandboxed);
  const file = options.workload ?? (sandboxed ? bundled.workload : null);
  const workload = file === null ? null : readWorkload(file);
  const [redisUrl, sandboxUrl] = await Promise.all([openRedis(environment, directory, stops), sandboxed ? openSandbox(directory, stops) : null]);
  signal.throwIfAborted();
  const password = consolePassword(directory);
  const fleet = await startFleet({ config, directory, port: options.port, say, environment: fleetEnvironment(environment, redisUrl, sandboxUrl, password) });
  stops.push(() => fleet.stop());
  const url = `http://127.0.0.1:${fleet.intake.port}`;
  const ready = fleet.all.then((all) => sayWhere(url, all.find(({ name }) => name === 'console')?.port ?? 0, directory));
  const finished = workload === null ? null : run(url, workload, config, directory, sandboxed && file === bundled.workload, fleet);
  const [, result] = await Promise.all([ready, finished]);
  if (result) report(result, config, options.json);
  return 'finished';
}

async function run(url: string, workload: Workload, config: UpshiftConfig, directory: string, hasBook: boolean, fleet: Fleet): Promise<Result> {
  const startedAt = performance.now();
  const thisRun = openRun(directory, workload);
  const progress = createProgress(process.stderr);
  const failed = fleet.all.then(() => new Promise<never>(() => undefined));
  const finished = await Promise.race([runWorkload(url, workload, thisRun, (now) => progress.show(now)), failed]);
  progress.done();
  thisRun.finish();
  const book = hasBook ? readAnswerBook(bundled.book, config.models) : null;
  return resultOf(finished, config, book, (performance.now() - startedAt) / 1000);
}

function report(result: Result, config: UpshiftConfig, json: boolean): void {
  printResult(result, config, json ? process.stderr : process.stdout);
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function openRedis(environment: Environment, directory: string, stops: Stop[]): Promise<string> {
  if (environment.REDIS_URL !== undefined) return environment.REDIS_URL;
  const redis = await startLocalRedis({ directory: join(directory, 'redis'), say });
  stops.push(() => redis.stop());
  return redis.url;
}

async function openSandbox(directory: string, stops: Stop[]): Promise<string> {
  const sandbox = await startSandbox(directory, [bundled.book], bundled.faults, say);
  stops.push(() => sandbox.stop());
  return `http://127.0.0.1:${sandbox.port}`;
}

function fleetEnvironment({ raw, LOG_LEVEL }: Environment, redisUrl: string, sandboxUrl: string | null, password: string): NodeJS.ProcessEnv {
  return {
    ...raw,
    REDIS_URL: redisUrl,
    LOG_LEVEL,
    HOST: '127.0.0.1',
    UPSHIFT_CONSOLE_PASSWORD: password,
    ...(sandboxUrl === null ? {} : { UPSHIFT_SANDBOX_URL: sandboxUrl }),
  };
}

/** Made once and kept, readable by its owner alone. */
function consolePassword(directory: string): string {
  const file = join(directory, 'console-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(18).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

function sayWhatRuns(config: UpshiftConfig, environment: Environment, sandboxed: boolean): void {
  if (sandboxed) return say('No provider key is set: the provider sandbox stands in for all providers. Nothing leaves this machine and nothing is spent.');
  const providers = resolveProviders(config, environment.raw).map(({ id, off }) => (off === null ? `${id} on` : `${id} off (${off})`));
  say(`Live providers: ${providers.join(', ')}. No workload runs unless --workload names one.`);
}

function sayWhere(url: string, consolePort: number, directory: string): void {
  say(`Job API   ${url}/v1/jobs   (described at ${url}/openapi.json)`);
  say(`Console   http://127.0.0.1:${consolePort}/   (user upshift, password in ${join(directory, 'console-password')})`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function interruption(): { promise: Promise<'interrupted'>; signal: AbortSignal } {
  const controller = new AbortController();
  const promise = new Promise<'interrupted'>((done) => {
    const interrupt = (): void => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
      done('interrupted');
    };
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
  });
  return { promise, signal: controller.signal };
}

