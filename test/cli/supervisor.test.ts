import { mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { openLog } from '../../services/cli/src/program-log.ts';
import { start } from '../../services/cli/src/up/supervisor.ts';
import type { Started } from '../../services/cli/src/up/supervisor.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

let directory: string;
let said: string[];
let started: Started;

async function supervise(environment: Record<string, string> = {}): Promise<void> {
  const program = {
    name: 'child',
    file: join(import.meta.dirname, 'supervisor-child.ts'),
    arguments: [],
    environment: { ...process.env, ...environment },
  };
  started = await start(program, directory, (line) => said.push(line));
}

function newDirectory(): void {
  directory = temporaryDirectory();
  said = [];
}

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await started.stop();
});

function kill(): void {
  process.kill(started.pid, 'SIGKILL');
}

/** Waits for the next start of the program, after one that it has died. */
async function startedAgain(before: number): Promise<void> {
  await vi.waitFor(() => expect([0, before]).not.toContain(started.pid), { timeout: 15_000 });
}

test.runIf(process.platform === 'linux')('a log that can not be written is said, and what runs goes on', async () => {
  newDirectory();
  mkdirSync(join(directory, 'logs'));
  symlinkSync('/dev/full', join(directory, 'logs', 'child.log'));
  await supervise();
  await vi.waitFor(() => expect(said).toEqual([expect.stringMatching(/child\.log is not written any more: ENOSPC/)]));
  expect(() => process.kill(started.pid, 0)).not.toThrow();
});

test.runIf(process.platform === 'linux')('the log of a program that died is closed', async () => {
  newDirectory();
  await supervise();
  const before = started.pid;
  kill();
  await startedAgain(before);
  const open = (): number => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === join(directory, 'logs/child.log')).length;
  const log = (): string => readFileSync(join(directory, 'logs/child.log'), 'utf8');
  await vi.waitFor(() => expect(log().match(/hello/g)).toHaveLength(2), { timeout: 10_000 });
  await vi.waitFor(() => expect(open()).toBe(1));
});

test('a log begins anew at 10 MB, in the middle of a run and at the start of one, and the one before it is kept', async () => {
  newDirectory();
  mkdirSync(join(directory, 'logs'));
  const file = join(directory, 'logs/child.log');
  const log = openLog(file, (error) => said.push(error.message));
  // A program writes for ever, a bit at a time.
  for (let megabytes = 0; megabytes < 35; megabytes += 1) {
    log.write(Buffer.alloc(1_000_000, 'a'));
    const length = ((megabytes % 10) + 1) * 1_000_000;
    await vi.waitFor(() => expect(sizeOf(file)).toBe(length), { timeout: 10_000 });
  }
  log.end();
  expect(readdirSync(join(directory, 'logs'))).toEqual(['child.log', 'child.log.1']);
  expect(sizeOf(`${file}.1`)).toBe(10_000_000);
  writeFileSync(file, Buffer.alloc(10_000_000, 'b'));
  await supervise();
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('hello\n'), { timeout: 10_000 });
  expect(readFileSync(`${file}.1`, 'utf8').at(-1)).toBe('b');
  expect(said).toEqual([]);
});

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('what could not be started anew is tried again', async () => {
  newDirectory();
  await supervise();
  const [before, node] = [started.pid, process.execPath];
  process.execPath = '/nowhere/node';
  try {
    kill();
    await vi.waitFor(() => expect(said.at(-1)).toMatch(/ENOENT.* starting it again in 1000 ms/), { timeout: 10_000 });
  } finally {
    process.execPath = node;
  }
  await startedAgain(before);
});

test('what has run for a minute is started again as soon as if it had never died', async () => {
  newDirectory();
  await supervise();
  const first = started.pid;
  kill();
  await startedAgain(first);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 120_000);
  const second = started.pid;
  kill();
  await startedAgain(second);
  expect(said).toEqual([
    'child ended (SIGKILL); starting it again in 500 ms',
    'child ended (SIGKILL); starting it again in 500 ms',
  ]);
});
