import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { Redis } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';

import { startLocalRedis } from '../../services/cli/src/local-redis.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const cli = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/workload.jsonl', import.meta.url));
const rows = readFileSync(examples, 'utf8').trim().split('\n').length;
const faults = JSON.parse(readFileSync(new URL('../../examples/faults.json', import.meta.url), 'utf8')) as { model: string }[];
/** All models fail them for a while, so that the fallback answers. */
const rowsThatFallBack = faults.filter(({ model }) => model === '*').length;

interface Table {
  jobs: { total: number; completed: number; failed: number };
}

type Up = ChildProcessByStdio<null, Readable, Readable>;

function up(directory: string, ...flags: string[]): Up {
  const {
    REDIS_URL: _redis,
    OPENAI_API_KEY: _openai,
    ANTHROPIC_API_KEY: _anthropic,
    OLLAMA_HOST: _ollama,
    ...environment
  } = process.env;
  const child = spawn(process.execPath, [cli, 'up', '--port', '0', '--data', directory, ...flags], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => endIfLeft(child));
  return child;
}

/** What a test that fails leaves would run on beside all others. */
async function endIfLeft(child: Up): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

/** The address that `up` prints, as soon as it does. */
async function printedUrl(child: Up, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stderr })) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('up ended without printing its addresses');
}

async function acceptedJobs(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return [...metrics.matchAll(/^upshift_jobs_accepted_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function text(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

test('Ctrl-C stops everything; started again, it goes on with what was unfinished and submits nothing twice', async () => {
  const directory = temporaryDirectory();
  const first = up(directory);
  const url = await printedUrl(first, /Job API\s+(http:\/\/[\d.:]+)/);
  while ((await acceptedJobs(url)) < 50);
  first.stderr.resume();
  first.kill('SIGINT');
  const [code] = (await once(first, 'exit')) as [number];
  expect(code).toBe(0);
  await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed');
  expect(statSync(join(directory, 'console-password')).mode & 0o077).toBe(0);

  const second = up(directory, '--once', '--json');
  second.stderr.resume();
  const stdout = await text(second.stdout);
  const { jobs } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Table;
  expect(jobs.total).toBe(rows);
  expect(jobs.completed + jobs.failed).toBe(rows);
  // A sandbox that is started anew has forgotten which faults it has had: a job of which all models failed once may meet the same again.
  expect(jobs.failed).toBeLessThanOrEqual(rowsThatFallBack);
  expect(await recordsIn(directory)).toBe(rows);
});

test('Ctrl-C while it starts: nothing more is started, and no job is submitted', async () => {
  const directory = temporaryDirectory();
  const child = up(directory, '--once');
  const lines = createInterface({ input: child.stderr });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  await once(lines, 'line');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(existsSync(join(directory, 'logs', 'worker-economy.log'))).toBe(false);
  expect(said.join('\n')).not.toContain('submitted');
  expect(await recordsIn(directory)).toBe(0);
});

test('a private Redis that is killed in the middle of the run is started again, and the run comes to its end', async () => {
  const directory = temporaryDirectory();
  const child = up(directory, '--once', '--json');
  const stdout = text(child.stdout);
  const said = linesOf(child);
  const url = await said.find(/Job API\s+(http:\/\/[\d.:]+)/);
  while ((await acceptedJobs(url)) < 50);
  process.kill(Number(readFileSync(join(directory, 'redis', 'redis.pid'), 'utf8')), 'SIGKILL');
  await said.find(/(redis ended); starting it again/);
  child.stderr.resume();
  const { jobs } = JSON.parse((await stdout).trim().split('\n').at(-1) ?? '') as Table;
  expect(jobs.total).toBe(rows);
  expect(jobs.completed + jobs.failed).toBe(rows);
  expect(existsSync(join(directory, 'redis', 'redis.sock'))).toBe(false);
});

test('a provider that is switched off in the middle of the run: every job completes, and the trail of one that met it says why', async () => {
  const directory = temporaryDirectory();
  const child = up(directory, '--json');
  const stdout = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const said = linesOf(child);
  const url = await said.find(/Job API\s+(http:\/\/[\d.:]+)/);
  const sandbox = await said.find(/Sandbox\s+(http:\/\/[\d.:]+)/);
  child.stderr.resume();
  expect(await upshift('sandbox', '--sandbox', sandbox, 'fault', 'openai')).toContain(
    'All calls of openai/* end with server_error',
  );

  const table = JSON.parse(String((await stdout.next()).value)) as { jobs: { total: number; completed: number } };
  expect(table.jobs).toMatchObject({ total: rows, completed: rows });
  const { data } = (await (await fetch(`${url}/v1/jobs?limit=100`)).json()) as { data: { id: string; failovers: number }[] };
  const trails = await Promise.all(
    data.filter(({ failovers }) => failovers > 0).map(({ id }) => upshift('--url', url, 'trail', id)),
  );
  expect(trails.filter((trail) => /openai\/\S+ failed \((provider_error|circuit_open)\)/.test(trail))).not.toEqual([]);
  expect(await upshift('sandbox', '--sandbox', sandbox, 'heal', 'openai')).toContain('answered again');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

/** What a command writes to stdout. */
async function upshift(...flags: string[]): Promise<string> {
  const child = spawn(process.execPath, [cli, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return text(child.stdout);
}

/** The lines that `up` says, looked through in their order. */
function linesOf(child: Up): { find(pattern: RegExp): Promise<string> } {
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  return {
    async find(pattern) {
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        const found = pattern.exec(line.value)?.[1];
        if (found !== undefined) return found;
      }
      throw new Error('up ended without saying it');
    },
  };
}

test('a row that the API refuses ends the run with the reason, and stops everything', async () => {
  const directory = temporaryDirectory();
  const workload = join(directory, 'bad.jsonl');
  writeFileSync(workload, '{"id":"good","input":{"prompt":"hello"}}\n{"id":"bad","input":{"prompt":""}}\n');
  const child = up(directory, '--workload', workload);
  const exited = once(child, 'exit');
  const said = await text(child.stderr);
  expect(await exited).toEqual([1, null]);
  expect(said).toMatch(/row bad of the workload[\s\S]*input\.prompt/);
  expect(existsSync(join(directory, 'redis', 'redis.sock'))).toBe(false);
});

test('the console takes the password of the environment, or else one that is made and kept', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'console-password');
  writeFileSync(file, '');
  await expectConsolePassword(directory, file, () => readFileSync(file, 'utf8').trim());
  expect(statSync(file).mode & 0o077).toBe(0);
  vi.stubEnv('UPSHIFT_CONSOLE_PASSWORD', 'of the environment');
  await expectConsolePassword(directory, 'UPSHIFT_CONSOLE_PASSWORD', () => 'of the environment');
  vi.unstubAllEnvs();
});

async function expectConsolePassword(directory: string, place: string, password: () => string): Promise<void> {
  const child = up(directory, '--workload', '/dev/null');
  const console = await linesOf(child).find(new RegExp(`Console\\s+(http:\\S+).* password in ${place}\\)`));
  child.stderr.resume();
  const statusWith = async (tried: string): Promise<number> =>
    (await fetch(console, { headers: { authorization: `Basic ${Buffer.from(`upshift:${tried}`).toString('base64')}` } })).status;
  expect([await statusWith(password()), await statusWith('')]).toEqual([200, 401]);
  child.kill('SIGINT');
  await once(child, 'exit');
}

test('a sandbox of the environment is not called live providers', async () => {
  vi.stubEnv('UPSHIFT_SANDBOX_URL', 'http://127.0.0.1:9');
  const child = up(temporaryDirectory(), '--workload', '/nowhere.jsonl');
  vi.unstubAllEnvs();
  const said = await text(child.stderr);
  expect(said).toContain('The provider sandbox at http://127.0.0.1:9 stands in for all providers.');
  expect(said).not.toContain('Live');
});

test('a port that is taken is named', async () => {
  const directory = temporaryDirectory();
  const holder = up(directory);
  const taken = Number(new URL(await printedUrl(holder, /Job API\s+(http:\/\/[\d.:]+)/)).port);
  const other = up(temporaryDirectory(), '--port', String(taken), '--once');
  const said = await text(other.stderr);
  expect(said).toContain(`PORT=${taken}`);
  expect(said).toMatch(/taken/);
  holder.stderr.resume();
  holder.kill('SIGINT');
  await once(holder, 'exit');
});

test('a second one on the same data directory is refused and told of the first, which goes on; after a kill the next one starts', async () => {
  const directory = temporaryDirectory();
  const first = up(directory, '--workload', '/dev/null');
  const url = await printedUrl(first, /Job API\s+(http:\/\/[\d.:]+)/);
  first.stderr.resume();
  const second = up(directory);
  const [said, exited] = await Promise.all([text(second.stderr), once(second, 'exit')]);
  expect(exited).toEqual([1, null]);
  expect(said).toContain(`upshift: Upshift already runs on ${directory} (pid ${first.pid}, ${url}). Stop it, or`);
  expect(said).not.toContain('Stopping');
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  first.kill('SIGKILL');
  await once(first, 'exit');
  const third = up(directory, '--workload', '/dev/null', '--once');
  third.stderr.resume();
  expect(await once(third, 'exit')).toEqual([0, null]);
  expect(existsSync(join(directory, 'redis', 'redis.sock'))).toBe(false);
});

test.each([
  ['a signal to its group, and one more that follows at once', ['SIGTERM', 'SIGINT']],
  ['the end of its terminal', ['SIGHUP']],
] as const)('%s stops everything in order', async (_, signals) => {
  const directory = temporaryDirectory();
  const child = up(directory);
  const sandbox = await linesOf(child).find(/Sandbox\s+(http:\/\/[\d.:]+)/);
  child.stderr.resume();
  for (const signal of signals) child.kill(signal);
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(existsSync(join(directory, 'redis', 'redis.sock'))).toBe(false);
  await expect(fetch(sandbox)).rejects.toThrow('fetch failed');
});

async function recordsIn(directory: string): Promise<number> {
  const server = await startLocalRedis({ directory: join(directory, 'redis'), say: () => undefined });
  const redis = new Redis({ path: server.url.slice('unix://'.length) });
  const keys = await redis.keys('{upshift-0}:job:*');
  redis.disconnect();
  await server.stop();
  return keys.length;
}
