import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { UpshiftConfig } from '@upshift/contracts';
import { readEnvironment, resolveProviders } from '@upshift/runtime';
import type { Environment } from '@upshift/runtime';

import { INTERRUPTED, interruption } from '../interruption.ts';
import { print, say } from '../print.ts';
import { runsIn, sayItRuns } from '../runs-in.ts';
import { usableConfig } from '../usable-config.ts';
import { readAnswerBook } from './answer-book.ts';
import type { AnswerBook } from './answer-book.ts';
import { SANDBOX_PORT_OFFSET, startFleet, startSandbox } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { isLive } from './is-live.ts';
import { keepLocalRedis } from './kept-redis.ts';
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

/** What takes longer to stop says why. In ms. */
const STILL_STOPPING_MS = 5000;

/** `upshift up`: everything on this machine. Returns the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const stops: Stop[] = [];
  const { happened: interrupted } = interruption();
  const stopping = new AbortController();
  void interrupted.then(() => stopping.abort());
  try {
    const launched = await launch(options, stops, stopping.signal);
    const outcome = await Promise.race([work(launched, options), interrupted]);
    if (outcome === 'finished' && options.once) return 0;
    await interrupted;
    return afterInterruption(options);
  } catch (error) {
    if (stopping.signal.aborted) return afterInterruption(options);
    say(`upshift: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    if (stops.length > 0) say('Stopping.');
    const patience = setTimeout(
      () =>
        say(
          'Still stopping: calls in hand may take SHUTDOWN_GRACE_S (20 s) to end. Ctrl-C once more waits for nothing; a private Redis then runs on, and the next start takes it over.',
        ),
      STILL_STOPPING_MS,
    );
    for (const stop of stops.toReversed()) await stop();
    clearTimeout(patience);
  }
}

/** Ctrl-C is how one that stays up is stopped. */
function afterInterruption({ once }: UpOptions): number {
  return once ? INTERRUPTED : 0;
}

interface Launched {
  config: UpshiftConfig;
  directory: string;
  /** Of the job API. */
  url: string;
  sandboxUrl: string | null;
  /** Where the console's password stands. */
  passwordPlace: string;
  fleet: Fleet;
  workload: Workload | null;
  book: AnswerBook | null;
}

/**
 * Starts everything; `stops` grows with each thing started, so that all of it is stopped even where the next one fails, or is not begun because
 * `stopping` has fired: then it throws.
 */
async function launch(options: UpOptions, stops: Stop[], stopping: AbortSignal): Promise<Launched> {
  const environment = readEnvironment();
  const config = usableConfig(environment.UPSHIFT_CONFIG);
  const directory = resolve(options.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const sandboxed = !isLive(config, environment);
  sayWhatRuns(config, environment, sandboxed);
  const file = options.workload ?? (sandboxed ? bundled.workload : null);
  const workload = file === null ? null : readWorkload(file);
  // Redis first: it tells whether Upshift runs here already, and then the sandbox's port is taken too.
  const redisUrl = await openRedis(environment, directory, stops);
  stopping.throwIfAborted();
  const sandboxUrl = sandboxed ? await openSandbox(directory, options.port, stops) : null;
  stopping.throwIfAborted();
  const fleet = await startFleet({
    config,
    directory,
    port: options.port,
    say,
    environment: fleetEnvironment(environment, redisUrl, sandboxUrl),
    consolePassword: environment.UPSHIFT_CONSOLE_PASSWORD ?? consolePassword(directory),
  });
  stops.push(() => fleet.stop());
  // No job is submitted then.
  stopping.throwIfAborted();
  const url = `http://127.0.0.1:${fleet.intake.port}`;
  // Where Redis is the user's own, several may share it.
  if (environment.REDIS_URL === undefined) {
    const forget = sayItRuns(directory, url);
    stops.push(() => Promise.resolve(forget()));
  }
  return {
    config,
    directory,
    url,
    sandboxUrl,
    passwordPlace: environment.UPSHIFT_CONSOLE_PASSWORD === undefined ? passwordFile(directory) : 'UPSHIFT_CONSOLE_PASSWORD',
    fleet,
    workload,
    book: sandboxed && file === bundled.workload ? readAnswerBook(bundled.book, config.models) : null,
  };
}

/** Says where everything is and runs the workload, if there is one. */
async function work(
  { config, directory, url, sandboxUrl, passwordPlace, fleet, workload, book }: Launched,
  { json }: UpOptions,
): Promise<'finished'> {
  const ready = fleet.all.then((all) =>
    sayWhere(url, all.find(({ name }) => name === 'console')?.port ?? 0, passwordPlace, sandboxUrl),
  );
  const [, result] = await Promise.all([ready, workload === null ? null : run(url, workload, config, directory, book)]);
  if (result) report(result, config, json);
  return 'finished';
}

async function run(
  url: string,
  workload: Workload,
  config: UpshiftConfig,
  directory: string,
  book: AnswerBook | null,
): Promise<Result> {
  const startedAt = performance.now();
  const thisRun = openRun(directory, workload);
  const progress = createProgress(process.stderr);
  const finished = await runWorkload(url, workload, thisRun, (now) => progress.show(now));
  progress.done();
  thisRun.finish();
  return resultOf(finished, config, book, (performance.now() - startedAt) / 1000);
}

function report(result: Result, config: UpshiftConfig, json: boolean): void {
  printResult(result, config, json ? process.stderr : process.stdout);
  if (json) print(JSON.stringify(result));
}

async function openRedis(environment: Environment, directory: string, stops: Stop[]): Promise<string> {
  if (environment.REDIS_URL !== undefined) return environment.REDIS_URL;
  const redis = await keepLocalRedis({ directory: join(directory, 'redis'), say });
  if (redis.owner !== process.pid) throw runsHere(directory, redis.owner);
  stops.push(() => redis.stop());
  return redis.url;
}

/** Two would share their jobs, and the second would be left without Redis when the first stops. */
function runsHere(directory: string, pid: number): Error {
  const url = runsIn(directory, pid);
  const at = url === null ? '' : `, ${url}`;
  return new Error(
    `Upshift already runs on ${directory} (pid ${pid}${at}). Stop it, or use another data directory and other ports:  --data DIR --port N`,
  );
}

async function openSandbox(directory: string, port: number, stops: Stop[]): Promise<string> {
  const ownPort = port === 0 ? 0 : port + SANDBOX_PORT_OFFSET;
  const sandbox = await startSandbox(directory, [bundled.book], bundled.faults, ownPort, say);
  stops.push(() => sandbox.stop());
  return `http://127.0.0.1:${sandbox.port}`;
}

function fleetEnvironment({ raw, LOG_LEVEL }: Environment, redisUrl: string, sandboxUrl: string | null): NodeJS.ProcessEnv {
  return {
    ...raw,
    REDIS_URL: redisUrl,
    LOG_LEVEL,
    HOST: '127.0.0.1',
    ...(sandboxUrl === null ? {} : { UPSHIFT_SANDBOX_URL: sandboxUrl }),
  };
}

function passwordFile(directory: string): string {
  return join(directory, 'console-password');
}

/** Made once and kept, readable by its owner alone. */
function consolePassword(directory: string): string {
  const file = passwordFile(directory);
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (kept !== '') return kept;
  // An empty one is left by a run that was killed here, or has other rights.
  rmSync(file, { force: true });
  const password = randomBytes(18).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

function sayWhatRuns(config: UpshiftConfig, environment: Environment, sandboxed: boolean): void {
  if (sandboxed)
    return say(
      'No usable provider key is set: the provider sandbox stands in for all providers. Nothing leaves this machine and nothing is spent.',
    );
  const noWorkload = 'No workload runs unless --workload names one.';
  const { UPSHIFT_SANDBOX_URL: sandboxUrl } = environment;
  if (sandboxUrl !== undefined) return say(`The provider sandbox at ${sandboxUrl} stands in for all providers. ${noWorkload}`);
  const providers = resolveProviders(config, environment.raw).map(({ id, off }) =>
    off === null ? `${id} on` : `${id} off (${off})`,
  );
  say(`Live providers: ${providers.join(', ')}. ${noWorkload}`);
}

function sayWhere(url: string, consolePort: number, passwordPlace: string, sandboxUrl: string | null): void {
  say(`Job API   ${url}/v1/jobs   (described at ${url}/openapi.json)`);
  say(`Console   http://127.0.0.1:${consolePort}/   (user upshift, password in ${passwordPlace})`);
  if (sandboxUrl !== null) say(`Sandbox   ${sandboxUrl}   (npx upshift sandbox fault <provider> makes its calls fail)`);
}
