import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { failInSandbox, healInSandbox } from '../../services/cli/src/commands/sandbox.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { exampleJob, sendJson, startJobServer } from './job-server.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

function start(directory: string, ...words: string[]) {
  return spawn(process.execPath, [main, ...words], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
}

test('a run that is stopped says that its jobs go on, and what the same line would do', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'rows.jsonl'), '{"input":{"prompt":"hello"}}\n');
  const asked = Promise.withResolvers<void>();
  const server = await startJobServer(({ method }, response) => {
    if (method === 'POST') return void response.end(`{"line":1,"id":"${exampleJob('job_7').id}","created":true}\n`);
    // The job is never answered.
    asked.resolve();
  });
  const child = start(directory, '--url', server.url, 'run', 'rows.jsonl', '--out', 'out.jsonl');
  const said = text(child.stderr);
  await asked.promise;
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(await said).toContain('Jobs that were submitted go on, at their cost; the same line goes on and has their results.');
  server.close();
});

test('where nothing answers, the Upshift that runs on this directory is named', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, '.upshift'));
  writeFileSync(join(directory, '.upshift', 'api-url'), `${process.pid} http://127.0.0.1:4321`);
  // Nobody listens on the port that discards.
  const child = start(directory, '--url', 'http://127.0.0.1:9', 'jobs');
  const said = text(child.stderr);
  expect((await once(child, 'exit'))[0]).toBe(3);
  expect(await said).toContain('The Upshift that runs here answers at http://127.0.0.1:4321:  --url http://127.0.0.1:4321');
});

test('the line that mends a fault is one that the same shell takes, for the same sandbox', async () => {
  const server = await startJobServer((_seen, response) => sendJson(response, 201, []));
  const child = start(temporaryDirectory(), 'sandbox', '--sandbox', server.url, 'fault', '*');
  expect(await text(child.stdout)).toContain(`To mend that:  npx upshift sandbox --sandbox ${server.url} heal '*'\n`);
  server.close();
});

test('what is no provider sandbox is not taken to have obeyed', async () => {
  const answers = ['{"type":"urn:upshift:problem:not_found","status":404}', '<html>', 'null', '{"error":"of another kind"}'];
  const server = await startJobServer((_seen, response) => void response.writeHead(404).end(answers.shift()));
  while (answers.length > 0) {
    const told = `what answers at ${server.url} is no provider sandbox; npm start prints its address`;
    await expect(failInSandbox(server.url, '*', 'auth', '')).rejects.toThrow(told);
    await expect(healInSandbox(server.url, '*')).rejects.toThrow(told);
  }
  server.close();
});
