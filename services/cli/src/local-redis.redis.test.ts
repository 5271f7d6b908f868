import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askRedis, pingRedis } from './local-redis-ping.ts';
import { isRunning, waitForExit } from './local-redis-process.ts';
import { findOnPath } from './local-redis-program.ts';
import { startLocalRedis, type LocalRedis } from './local-redis.ts';

/** Where Redis can only be had as a container, its process and socket are out of reach. */
const realRedis = (await findOnPath('redis-server')) ?? (await findOnPath('valkey-server'));
const native = realRedis !== null;

let directory: string;
let started: LocalRedis[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-test-'));
  started = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of started) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(place = directory): Promise<LocalRedis> {
  const server = await startLocalRedis({ directory: place, say: () => undefined });
  started.push(server);
  return server;
}

async function setting(url: string, name: string): Promise<string | undefined> {
  const answer = await askRedis(url, 'CONFIG', 'GET', name);
  return answer.split('\r\n')[4];
}

describe('a local Redis', () => {
  test('answers PING and has the settings that the queues rely on', async () => {
    const { url } = await start();
    expect(await pingRedis(url)).toBe('ready');
    expect(await setting(url, 'appendonly')).toBe('yes');
    expect(await setting(url, 'appendfsync')).toBe('everysec');
    expect(await setting(url, 'save')).toBe('');
    expect(await setting(url, 'maxmemory-policy')).toBe('noeviction');
  });

  test('keeps its data over a stop and a start', async () => {
    const first = await start();
    await askRedis(first.url, 'SET', 'kept', 'yes');
    await first.stop();
    expect(await pingRedis(first.url)).toBe('absent');
    const second = await start();
    expect(await askRedis(second.url, 'GET', 'kept')).toBe('$3\r\nyes\r\n');
  });

  test('is shared by a second start in the same directory, whose stop leaves it running', async () => {
    const first = await start();
    const second = await start();
    expect(second).toMatchObject({ url: first.url, pid: first.pid });
    await second.stop();
    expect(await pingRedis(first.url)).toBe('ready');
    await first.stop();
    expect(await pingRedis(first.url)).toBe('absent');
  });

  test('is taken over where another process has the id of its dead owner', async () => {
    await start();
    await writeFile(join(directory, 'redis.owner'), `${process.ppid} 1`);
    expect((await start()).owner).toBe(process.pid);
  });

  test('is started although the lock has the id of this process, which another one had that died', async () => {
    await mkdir(join(directory, 'redis.lock'));
    await writeFile(join(directory, 'redis.lock', 'holder'), `${process.pid} 1`);
    expect((await start()).owner).toBe(process.pid);
  });

  test('is one server when several starts race', async () => {
    // All of them find the lock of one that died.
    await mkdir(join(directory, 'redis.lock'));
    await writeFile(join(directory, 'redis.lock', 'holder'), `${process.ppid} 1`);
    const servers = await Promise.all([start(), start(), start()]);
    expect(new Set(servers.map((server) => `${server.url} ${server.pid}`)).size).toBe(1);
  });

  test('leaves nothing behind when it was disposable', async () => {
    const server = await startLocalRedis({ directory, disposable: true, say: () => undefined });
    expect(await pingRedis(server.url)).toBe('ready');
    await server.stop();
    await expect(stat(dirname(new URL(server.url).pathname))).rejects.toThrow('ENOENT');
  });
});

describe.runIf(native)('a local Redis that runs as a process', () => {
  test('listens on a private socket and no port, in a process group of its own', async () => {
    const { url, pid } = await start();
    expect(url).toBe(`unix://${directory}/redis.sock`);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect(await setting(url, 'port')).toBe('0');
    expect(() => process.kill(-(pid as number), 0)).not.toThrow();
  });

  test('starts again after it was killed, with its data', async () => {
    const first = await start();
    await askRedis(first.url, 'SET', 'kept', 'yes');
    await askRedis(first.url, 'CONFIG', 'SET', 'appendfsync', 'always');
    await askRedis(first.url, 'SET', 'after', 'that');
    process.kill(first.pid as number, 'SIGKILL');
    await waitForExit(first.pid as number, 5_000);
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await askRedis(second.url, 'GET', 'kept')).toBe('$3\r\nyes\r\n');
  });

  test('is not joined by a second one on the same files while it does not answer', async () => {
    const { pid } = await start();
    process.kill(pid!, 'SIGSTOP');
    try {
      await expect(start()).rejects.toThrow(`A Redis (pid ${pid}) has ${directory} and does not answer`);
    } finally {
      process.kill(pid!, 'SIGCONT');
    }
    expect((await start()).pid).toBe(pid);
  });

  test('is taken over, and stopped, by the next run after its starter was killed', async () => {
    const orphaned = await startInKilledProcess(directory);
    expect(await isRunning(orphaned)).toBe(true);
    const next = await start();
    expect(next.pid).toBe(orphaned);
    await next.stop();
    expect(await isRunning(orphaned)).toBe(false);
  });

  test.each(['d'.repeat(120), 'with a space'])('puts its socket elsewhere for the directory "%s"', async (name) => {
    const place = join(directory, name);
    await mkdir(place);
    const first = await start(place);
    expect(first.url).not.toContain(name);
    expect(`unix://${await readFile(join(place, 'redis.socket-path'), 'utf8')}`).toBe(first.url);
    expect(await pingRedis(first.url)).toBe('ready');
    expect((await start(place)).pid).toBe(first.pid);
  });

  test('is the first on PATH that is new enough; where none is, its version is told', async () => {
    const programs = await onlyPrograms({ 'redis-server': "echo 'Redis server v=6.0.16 sha=00000000:0'" });
    await expect(start()).rejects.toThrow(`${programs}/redis-server: version 6.0.16 is too old`);
    await symlink(realRedis!, join(programs, 'valkey-server'));
    const { url } = await start();
    expect(await pingRedis(url)).toBe('ready');
  });

  test('does not begin anew beside data that a container has kept in its volume', async () => {
    const programs = await onlyPrograms({});
    await symlink(realRedis!, join(programs, 'redis-server'));
    await writeFile(join(directory, 'redis.container'), 'upshift-redis-0123');
    await expect(start()).rejects.toThrow(/ has its data in the Docker volume upshift-redis-0123/);
    await rm(join(directory, 'redis.container'));
    await start();
  });

  test('does not begin anew in a container where its data is in the directory', async () => {
    const programs = await onlyPrograms({ docker: 'echo "$@" >> "$0.log"' });
    await mkdir(join(directory, 'appendonlydir'));
    await expect(start()).rejects.toThrow(/needs Redis 7 or newer .*, and none was found/);
    await expect(stat(join(programs, 'docker.log'))).rejects.toThrow('ENOENT');
  });

  test('that reads much data is said to read still, not to give no answer', async () => {
    const server = createServer((socket) => socket.end('-LOADING Redis is loading the dataset in memory\r\n'));
    await once(server.listen(join(directory, 'redis.sock')), 'listening');
    await writeFile(join(directory, 'redis.pid'), String(process.pid));
    const now = Date.now();
    let looks = 0;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now + 20_000 * (looks += 1));
    await expect(start()).rejects.toThrow(/still reads its data.*try again/);
    clock.mockRestore();
    server.close();
  });

  test('tells the end of its log when it cannot start', async () => {
    await mkdir(join(directory, 'appendonlydir'));
    await mkdir(join(directory, 'appendonlydir', 'appendonly.aof.manifest'));
    await expect(start()).rejects.toThrow(/Redis ended while starting[^]*manifest/);
  });
});

/** Leaves nothing on PATH but these programs, written in sh, and gives their folder. */
async function onlyPrograms(programs: Record<string, string>): Promise<string> {
  const folder = join(directory, 'bin');
  await mkdir(folder);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  vi.stubEnv('PATH', folder);
  return folder;
}

/** Starts a server from a process that is then killed, as a crashed run would be, and returns the server's pid. */
async function startInKilledProcess(place: string): Promise<number> {
  const module = new URL('./local-redis.ts', import.meta.url).href;
  const script = `const { startLocalRedis } = await import(${JSON.stringify(module)});
    const server = await startLocalRedis({ directory: ${JSON.stringify(place)}, say() {} });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = (await once(starter.stdout, 'data')) as [Buffer];
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  return Number(pid.toString());
}
