import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { Redis } from 'ioredis';
import { expect, test } from 'vitest';

import { startLocalRedis } from '../../services/cli/src/local-redis.ts';

const cli = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/workload.jsonl', import.meta.url));
const rows = readFileSync(examples, 'utf8').trim().split('\n').length;

type Up = ChildProcessByStdio<null, Readable, Readable>;

function up(directory: string, ...flags: string[]): Up {
  const {
    REDIS_URL: _redis,
    OPENAI_API_KEY: _openai,
    ANTHROPIC_API_KEY: _anthropic,
    OLLAMA_HOST: _ollama,
    ...environment
  } = process.env;
  return spawn(process.execPath, [cli, 'up', '--port', '0', '--data', directory, ...flags], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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
  const directory = mkdtempSync(join(tmpdir(), 'upshift-up-'));
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
  const table = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { jobs: { total: number; completed: number } };
  expect(table.jobs).toMatchObject({ total: rows, completed: rows });
  expect(await recordsIn(directory)).toBe(rows);
});

test('a row that the API refuses ends the run with the reason, and stops everything', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upshift-up-'));
  const workload = join(directory, 'bad.jsonl');
  writeFileSync(workload, '{"id":"good","input":{"prompt":"hello"}}\n{"id":"bad","input":{"prompt":""}}\n');
  const child = up(directory, '--workload', workload);
  const exited = once(child, 'exit');
  const said = await text(child.stderr);
  expect(await exited).toEqual([1, null]);
  expect(said).toMatch(/row bad of the workload[\s\S]*input\.prompt/);
  expect(existsSync(join(directory, 'redis', 'redis.sock'))).toBe(false);
});

test('a port that is taken is named', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upshift-up-'));
  const holder = up(directory);
  const taken = Number(new URL(await printedUrl(holder, /Job API\s+(http:\/\/[\d.:]+)/)).port);
  const other = up(mkdtempSync(join(tmpdir(), 'upshift-up-')), '--port', String(taken), '--once');
  const said = await text(other.stderr);
  expect(said).toContain(`PORT=${taken}`);
  expect(said).toMatch(/taken/);
  holder.stderr.resume();
  holder.kill('SIGINT');
  await once(holder, 'exit');
});

async function recordsIn(directory: string): Promise<number> {
  const server = await startLocalRedis({ directory: join(directory, 'redis'), say: () => undefined });
  const redis = new Redis({ path: server.url.slice('unix://'.length) });
  const keys = await redis.keys('{upshift-0}:job:*');
  redis.disconnect();
  await server.stop();
  return keys.length;
}
