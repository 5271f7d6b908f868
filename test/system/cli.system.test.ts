import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'notifier', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true, retry_after_s: [] };
    },
  });
  fleet.sandbox.book.add({ model: '*', key: bookKey('What is the capital of France?'), answer: 'Paris.' });
});
afterAll(() => fleet?.close());

interface Ran {
  code: number | null;
  out: string;
  errors: string;
}

/** Runs the command line as a user does. */
async function upshift(args: string[], { input = '', url = fleet.url('intake') } = {}): Promise<Ran> {
  const child = spawn(process.execPath, [main, '--url', url, ...args], { stdio: 'pipe' });
  child.stdin.end(input);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

test('a prompt is submitted, waited for, looked at and explained', async () => {
  const waited = await upshift(['submit', 'What is the capital of France?', '--wait', '20']);
  expect(waited).toMatchObject({ code: 0, out: 'Paris.\n' });
  const piped = await upshift(['submit', '--json', '--wait'], { input: 'What is the capital of France?' });
  const { id } = JSON.parse(piped.out) as { id: string };
  const got = await upshift(['get', id]);
  expect(got.out).toContain(`${id}  completed  `);
  expect(got.out).toContain('Paris.');
  const story = (await upshift(['trail', id])).out;
  for (const event of ['job-accepted', 'attempt-settled', 'answer-judged', 'job-completed']) expect(story).toContain(event);
  expect(story).not.toContain('\u001B[');
  const trail = JSON.parse((await upshift(['trail', id, '--json'])).out) as { event: string }[];
  expect(trail.at(-1)?.event).toBe('job-completed');
  const listed = await upshift(['jobs', '--status', 'completed', '--limit', '1']);
  expect(listed.out).toContain(id);
  expect(listed.out).toContain(`--after ${id}`);
});

test('a job is watched to its end, and a cancelled one ends the watch with code 1', async () => {
  const { out } = await upshift(['submit', 'What is the capital of France?', '--wait']);
  expect(out).toBe('Paris.\n');
  fleet.sandbox.settings.change({ hold: true });
  const id = (await upshift(['submit', 'Wait for me.'])).out.trim();
  const watching = upshift(['watch', id]);
  expect((await upshift(['cancel', id])).out).toContain('cancelled');
  fleet.sandbox.settings.change({ hold: false });
  const watched = await watching;
  expect(watched.code).toBe(1);
  expect(
    watched.out
      .trim()
      .split('\n')
      .some((line) => line.includes('job-cancelled')),
  ).toBe(true);
});

test('what can not be done is said in words, with the code that the help promises', async () => {
  const refused = await upshift(['submit', 'Hello.', '--route', 'nowhere']);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.errors).toContain('route ("nowhere"): no route nowhere; there are default, chat');
  expect((await upshift(['get', 'job_nothing'])).code).toBe(2);
  const misspelt = await upshift(['sumbit', 'Hello.']);
  expect(misspelt.code).toBe(2);
  expect(misspelt.errors).toContain('Did you mean submit?');
  const away = await upshift(['queues'], { url: 'http://127.0.0.1:1' });
  expect(away.code).toBe(3);
  expect(away.errors).toContain('npx upshift up');
  const help = await upshift(['--help']);
  expect(help.code).toBe(0);
  expect(help.out).toContain('Exit codes:');
});

test('the queues and the configuration are shown', async () => {
  const shown = await upshift(['queues']);
  expect(shown.out).toContain('economy · openai/gpt-6-luna');
  expect(JSON.parse((await upshift(['queues', '--json'])).out)).toHaveProperty('unfinished_jobs');
  const good = await upshift(['config', 'check']);
  expect(good).toMatchObject({ code: 0 });
  expect(good.out).toContain('economy, standard, premium');
  const bad = await upshift(['config', 'check', join(import.meta.dirname, '../../package.json')]);
  expect(bad.code).toBe(1);
  expect(bad.errors).toContain('providers');
});

test('a webhook is made, its secret shown once, and a failed delivery sent again', async () => {
  const statuses = [500, 200];
  const told = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    response.writeHead(statuses.shift() ?? 200).end();
    if (statuses.length === 0) told.resolve();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect((await upshift(['webhooks', 'create', 'orders', url])).out).toMatch(/shown this once: whsec_/);
  expect((await upshift(['webhooks', 'list'])).out).toMatch(/orders +http.* thin +enabled/);
  await upshift(['submit', 'What is the capital of France?', '--webhook', 'orders', '--wait']);
  await expect
    .poll(async () => (await upshift(['webhooks', 'deliveries', 'orders'])).out, { timeout: 20_000 })
    .toContain('failed');
  expect(await upshift(['webhooks', 'redeliver', 'orders'])).toMatchObject({ code: 2 });
  expect((await upshift(['webhooks', 'redeliver', 'orders', '--failed'])).out).toContain('1 deliveries');
  await told.promise;
  server.close();
});
