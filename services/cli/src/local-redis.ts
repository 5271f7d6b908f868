import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { containerName, findContainer, startContainer, stopContainer } from './local-redis-container.ts';
import { withStartLock } from './local-redis-lock.ts';
import { pingRedis } from './local-redis-ping.ts';
import {
  identityOf,
  isRedisProcess,
  isRunning,
  isRunningAs,
  readIdentity,
  readPid,
  stopProcess,
  waitForExit,
} from './local-redis-process.ts';
import { INSTALL_REDIS_BY_HAND, exists, findOrInstallRedis } from './local-redis-program.ts';
import { beginLongLogAnew } from './program-log.ts';

/** From spawn to PONG: an empty server needs some 50 ms, the rest is for reading a large append-only file. In ms. */
const READY_TIMEOUT_MS = 30_000;
/** How long a server of ours that no longer listens may take to finish writing. In ms. */
const LEAVING_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** Linux allows 107 bytes in a unix socket's path, macOS 103; Redis makes no temporary longer name. */
const LONGEST_SOCKET_PATH_BYTES = 100;
const DISPOSABLE_PREFIX = 'upshift-redis-';

/**
 * What our queues need: nothing acknowledged is lost but the last second at worst, and nothing is ever evicted. A job writes 9 KB: by
 * Redis' own setting, 64 MB, the file would be rewritten every 7,000 jobs, which takes a core for about a second.
 */
export const DURABILITY = [
  ['--appendonly', 'yes'],
  ['--appendfsync', 'everysec'],
  ['--auto-aof-rewrite-min-size', '512mb'],
  ['--save', ''],
  ['--maxmemory-policy', 'noeviction'],
].flat();

export interface LocalRedisOptions {
  /** Where data, socket, log and owner live. A disposable server has a temporary directory of its own instead. */
  directory: string;
  /** For tests: the data goes away with `stop()`. */
  disposable?: boolean;
  /** Told, line by line, what takes time (an installation). */
  say: (line: string) => void;
}

export interface LocalRedis {
  /** `unix:///…/redis.sock`, or `redis://127.0.0.1:PORT` of a container. Never holds a character that needs escaping. */
  url: string;
  /** Null when it runs in a container. */
  pid: number | null;
  /** The process that will stop it: this one, or one that runs and has started it before. */
  owner: number;
  /** Stops the server if this process started it or took it over from a dead one; otherwise does nothing. Resolves when it is gone. */
  stop(): Promise<void>;
}

interface RunningServer {
  url: string;
  pid: number | null;
  end: () => Promise<void>;
}

/**
 * Gives a private Redis with its data in `directory`: the one that already runs there, else a new one.
 * It runs in a process group of its own, so a terminal's Ctrl-C does not reach it: stop it after the services.
 * Throws an Error that says what to type when there is no Redis and none can be installed, or with the log's end when it does not start.
 */
export async function startLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  if (options.disposable === true) return startDisposable(options.say);
  return startIn(resolve(options.directory), true, options.say);
}

async function startDisposable(say: (line: string) => void): Promise<LocalRedis> {
  await removeAbandoned();
  const directory = await mkdtemp(join(tmpdir(), DISPOSABLE_PREFIX));
  const server = await startIn(directory, false, say);
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return { ...server, stop };
}

async function startIn(directory: string, keepData: boolean, say: (line: string) => void): Promise<LocalRedis> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  return withStartLock(lockFile(directory), async () => {
    const socket = await socketPath(directory);
    const running = await findRunning(directory, socket);
    const other = running === null ? null : await livingOwner(directory);
    const server = running ?? (await startNew(directory, socket, keepData, say));
    const { url, pid } = server;
    if (other !== null) return { url, pid, owner: other, stop: async () => undefined };
    await writeFile(ownerFile(directory), await identityOf(process.pid));
    // Nobody starts while it leaves: what it removes then is its own.
    const stop = (): Promise<void> => withStartLock(lockFile(directory), () => stopOwned(directory, socket, server));
    return { url, pid, owner: process.pid, stop };
  });
}

async function stopOwned(directory: string, socket: string, server: RunningServer): Promise<void> {
  await server.end();
  await rm(ownerFile(directory), { force: true });
  if (dirname(socket) === directory) return;
  await rm(socketMemory(directory), { force: true });
  await rm(dirname(socket), { recursive: true, force: true });
}

async function livingOwner(directory: string): Promise<number | null> {
  const owner = await readIdentity(ownerFile(directory));
  return owner !== null && (await isRunningAs(owner)) ? owner.pid : null;
}

async function findRunning(directory: string, socket: string): Promise<RunningServer | null> {
  const pid = await readPid(pidFile(directory));
  const url = unixUrl(socket);
  if (pid !== null && (await pingRedis(url)) !== 'absent') {
    await waitUntilReady(url, () => isRunning(pid), directory);
    return { url, pid, end: () => stopProcess(pid) };
  }
  // One that no longer listens still writes its last second of data: a second server on the same files would spoil them.
  if (pid !== null && (await isRedisProcess(pid)) && !(await waitForExit(pid, LEAVING_TIMEOUT_MS)))
    throw new Error(
      `A Redis (pid ${pid}) has ${directory} and does not answer. If it does not come back, end it and try again:  kill ${pid}`,
    );
  return findRunningContainer(directory);
}

async function findRunningContainer(directory: string): Promise<RunningServer | null> {
  // Asking Docker takes a while, so only where a container of ours was started before.
  const name = await readFile(containerFile(directory), 'utf8').catch(() => null);
  const url = name === null ? null : await findContainer(name);
  if (name === null || url === null) return null;
  await waitUntilReady(url, async () => (await findContainer(name)) !== null, directory);
  return { url, pid: null, end: () => stopContainer(name) };
}

async function startNew(
  directory: string,
  socket: string,
  keepData: boolean,
  say: (line: string) => void,
): Promise<RunningServer> {
  const tried: string[] = [];
  // It stays where its data is, whatever program has come or gone since.
  const filesHere = await exists(join(directory, 'appendonlydir'));
  const volume = filesHere ? null : await readFile(containerFile(directory), 'utf8').catch(() => null);
  const program = volume === null ? await findOrInstallRedis(say, tried) : null;
  if (program !== null) return startProgram(program, directory, socket);
  const server = filesHere ? null : await startInContainer(directory, keepData, tried);
  if (server !== null) return server;
  const attempts = tried.length === 0 ? '' : `\nTried:\n${tried.map((line) => `  ${line}`).join('\n')}`;
  if (volume !== null)
    throw new Error(
      `The Redis of ${directory} has its data in the Docker volume ${volume}, and Docker did not start it.${attempts}\nStart Docker and try again; or, to begin without that data, type:  rm "${containerFile(directory)}"`,
    );
  throw new Error(
    `Upshift needs Redis 7 or newer (or Valkey), and none was found.${attempts}\nTo install it, type:\n${INSTALL_REDIS_BY_HAND}`,
  );
}

async function startProgram(program: string, directory: string, socket: string): Promise<RunningServer> {
  beginLongLogAnew(logFile(directory));
  const place = ['--dir', directory, '--pidfile', pidFile(directory), '--logfile', logFile(directory), '--daemonize', 'no'];
  const listening = ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'];
  // Detached: a process group of its own. It outlives a killed run, and the next run in this directory finds it.
  const child = spawn(program, [...listening, ...DURABILITY, ...place], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  child.unref();
  const pid = child.pid as number;
  const url = unixUrl(socket);
  await waitUntilReady(url, async () => child.exitCode === null && child.signalCode === null, directory);
  return { url, pid, end: () => stopProcess(pid) };
}

async function startInContainer(directory: string, keepData: boolean, tried: string[]): Promise<RunningServer | null> {
  const name = containerName(directory);
  const url = await startContainer(name, DURABILITY, keepData, tried);
  if (url === null) return null;
  await writeFile(containerFile(directory), name);
  await waitUntilReady(url, async () => (await findContainer(name)) !== null, directory);
  return { url, pid: null, end: () => stopContainer(name) };
}

async function waitUntilReady(url: string, isAlive: () => Promise<boolean>, directory: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (let presence = await pingRedis(url); presence !== 'ready'; presence = await pingRedis(url)) {
    if (!(await isAlive())) throw new Error(`Redis ended while starting.${await logEnd(directory)}`);
    if (Date.now() > deadline) {
      const seconds = READY_TIMEOUT_MS / 1000;
      // It runs on, and the next start finds it.
      if (presence === 'loading') throw new Error(`Redis still reads its data after ${seconds} s; try again in a while.`);
      throw new Error(`Redis did not answer within ${seconds} s at ${url}.${await logEnd(directory)}`);
    }
    await sleep(POLL_MS);
  }
}

async function logEnd(directory: string): Promise<string> {
  const log = await readFile(logFile(directory), 'utf8').catch(() => '');
  const lines = log.trimEnd().split('\n').slice(-10);
  return log === '' ? '' : ` The end of ${logFile(directory)}:\n${lines.join('\n')}`;
}

/** The socket lies in the data directory unless its path is too long for a socket or would have to be escaped in a URL. */
async function socketPath(directory: string): Promise<string> {
  const usual = join(directory, 'redis.sock');
  if (Buffer.byteLength(usual) <= LONGEST_SOCKET_PATH_BYTES && pathToFileURL(usual).pathname === usual) return usual;
  const remembered = await readFile(socketMemory(directory), 'utf8').catch(() => '');
  if (remembered !== '' && (await isOurDirectory(dirname(remembered)))) return remembered;
  const fresh = join(await mkdtemp(join(tmpdir(), 'upshift-socket-')), 'redis.sock');
  await writeFile(socketMemory(directory), fresh);
  return fresh;
}

/** Others may write to the temporary directory: a remembered name counts only while it is still ours. */
async function isOurDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && found.isDirectory() && found.uid === process.getuid?.();
}

/** A killed test run leaves its server and data behind; the next one ends and removes them. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const directory = join(tmpdir(), name);
    const isOurs = name.startsWith(DISPOSABLE_PREFIX) && (await readPid(ownerFile(directory))) !== null;
    if (!isOurs || (await livingOwner(directory)) !== null) continue;
    const pid = await readPid(pidFile(directory));
    if (pid !== null && (await isRedisProcess(pid))) await stopProcess(pid);
    await rm(directory, { recursive: true, force: true });
  }
}

function unixUrl(socket: string): string {
  return `unix://${socket}`;
}

function lockFile(directory: string): string {
  return join(directory, 'redis.lock');
}

function ownerFile(directory: string): string {
  return join(directory, 'redis.owner');
}

function pidFile(directory: string): string {
  return join(directory, 'redis.pid');
}

function socketMemory(directory: string): string {
  return join(directory, 'redis.socket-path');
}

function containerFile(directory: string): string {
  return join(directory, 'redis.container');
}

function logFile(directory: string): string {
  return join(directory, 'redis.log');
}
