import { mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

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
