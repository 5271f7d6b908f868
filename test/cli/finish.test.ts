import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { exampleJob, sendJson, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

/** Far more than a pipe holds. */
const job = exampleJob('job_1');
job.result!.text = 'long '.repeat(100_000);

let server: JobServer;
beforeAll(async () => {
  server = await startJobServer((_seen, response) => sendJson(response, 200, job));
});
afterAll(() => server.close());

function startGet(): ChildProcess {
  return spawn(process.execPath, [main, '--url', server.url, 'get', 'job_1', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
}

test('a reader that is slower than a process may be kept open gets all', async () => {
  const child = startGet();
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'readable'), exited]);
  // The very thing: four times as long as what is still open may keep the process alive.
  await pause(2000);
  expect(JSON.parse(await text(child.stdout!))).toEqual(job);
  expect(await exited).toEqual([0, null]);
});

test('a reader that is gone keeps nothing waiting, and is no error', async () => {
  const child = startGet();
  const exited = once(child, 'exit');
  await once(child.stdout!, 'readable');
  child.stdout!.destroy();
  expect(await text(child.stderr!)).toBe('');
  expect(await exited).toEqual([0, null]);
});
