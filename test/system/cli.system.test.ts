import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, test } from 'vitest';

import manifest from '../../package.json' with { type: 'json' };
import { connect } from '../../packages/queues/src/connection.ts';
import { cellKeys, cellOfId } from '../../packages/queues/src/names.ts';
import { faultKinds } from '../../services/cli/src/commands/sandbox.ts';
import { bookKey } from '../sandbox/book.ts';
import { oneFaultRule } from '../sandbox/faults.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

let fleet: Fleet;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-cli-'));
  fleet = await startFleet({
    start: ['intake', 'notifier', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true, retry_after_s: [] };
    },
  });
  fleet.sandbox.book.add({ model: '*', key: bookKey('What is the capital of France?'), answer: 'Paris.' });
});
afterAll(async () => {
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

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
  expect((await upshift(['cancel', id])).errors).toBe('Nothing was cancelled: the job had ended already (completed).\n');
  const story = (await upshift(['trail', id])).out;
  for (const event of ['job-accepted', 'attempt-settled', 'answer-judged', 'job-completed']) expect(story).toContain(event);
  expect(story).not.toContain('\u001B[');
  const trail = JSON.parse((await upshift(['trail', id, '--json'])).out) as { event: string }[];
  expect(trail.at(-1)?.event).toBe('job-completed');
  const listed = await upshift(['jobs', '--status', 'completed', '--limit', '1']);
  expect(listed.out).toContain(id);
  expect(listed.out).toContain(`--after ${id}`);
});

test('an answer that turned out to be wrong is failed afterwards, and the job is answered anew', async () => {
  const submitted = await upshift(['submit', 'What is the capital of France?', '--json', '--wait', '20']);
  const { id } = JSON.parse(submitted.out) as { id: string };
  expect(await upshift(['verdict', id, '--reason', 'wrong'])).toMatchObject({ code: 2, errors: 'Give --passed or --failed.\n' });
  const failed = await upshift(['verdict', id, '--failed', '--reason', 'it is Lyon', '--json']);
  expect(failed.code).toBe(0);
  expect(JSON.parse(failed.out)).toMatchObject({ revision: 2, status: 'in_progress' });
  await upshift(['watch', id]);
  expect((await upshift(['trail', id])).out).toContain('it is Lyon');
});

test('a job is watched to its end, and a cancelled one ends the watch with code 1', async () => {
  const { out } = await upshift(['submit', 'What is the capital of France?', '--wait']);
  expect(out).toBe('Paris.\n');
  fleet.sandbox.settings.change({ hold: true });
  const id = (await upshift(['submit', 'Wait for me.'])).out.trim();
  const watching = upshift(['watch', id]);
  expect(await upshift(['cancel', id])).toMatchObject({ code: 0, out: expect.stringContaining('cancelled'), errors: '' });
  fleet.sandbox.settings.change({ hold: false });
  const errors = 'Nothing was cancelled: the job had ended already (cancelled).\n';
  expect(await upshift(['cancel', id])).toMatchObject({ code: 0, errors });
  const watched = await watching;
  expect(watched.code).toBe(1);
  expect(
    watched.out
      .trim()
      .split('\n')
      .some((line) => line.includes('job-cancelled')),
  ).toBe(true);
});

test('jobs in quarantine are listed, submitted again and taken off the list', async () => {
  // How a job gets there is the chaos test of poison jobs; a real one takes three crashes of half a minute.
  const [one = '', other = ''] = await Promise.all(
    ['One.', 'Other.'].map(async (prompt) => (await fleet.api.run({ input: { prompt } })).id),
  );
  const connection = connect(fleet.redis.url, { failFast: false });
  for (const id of [one, other]) await connection.zadd(cellKeys(cellOfId(id)).quarantine, Date.now(), id);
  connection.disconnect();

  const listed = (await upshift(['quarantine', 'list'])).out.match(/job_[0-9a-f]+/g);
  expect(listed?.toSorted()).toEqual([one, other].toSorted());
  const retried = await upshift(['quarantine', 'retry', one]);
  expect(retried).toMatchObject({ code: 0, out: expect.stringMatching(/^job_[0-9a-f]+\n$/) });
  expect(retried.out).not.toContain(one);
  expect((await upshift(['quarantine', 'drop', other])).out).toContain(`Job ${other} is off the list`);
  expect((await upshift(['quarantine', 'list'])).out).toBe('No job is in quarantine.\n');
  expect(await upshift(['quarantine', 'drop', other])).toMatchObject({ code: 2, errors: expect.stringContaining(other) });
});

test('a wait that runs out says so, with the code of what is not available yet', async () => {
  fleet.sandbox.settings.change({ hold: true });
  const { code, out, errors } = await upshift(['submit', 'Wait for me.', '--wait', '1']);
  fleet.sandbox.settings.change({ hold: false });
  expect(code).toBe(3);
  expect(out).toMatch(/^job_/);
  expect(errors).toContain(`npx upshift watch ${out.trim()}`);
  expect((await upshift(['watch', out.trim()])).code).toBe(0);
});

test('a prompt from a pipe loses the last newline only, and an answer may have to fit a JSON Schema', async () => {
  fleet.sandbox.book.add({ model: '*', key: bookKey('One\n\nline'), answer: '{"name": "One"}' });
  const file = join(directory, 'schema.json');
  await writeFile(file, JSON.stringify({ type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }));
  const shaped = await upshift(['submit', '--json-schema', file, '--wait', '--json'], { input: 'One\n\nline\n' });
  expect(JSON.parse(shaped.out)).toMatchObject({ status: 'completed', result: { json: { name: 'One' } } });
  for (const wrong of [join(directory, 'nowhere.json'), '{"type":"object"}']) {
    const errors = expect.stringContaining(`--json-schema is ${wrong}; it is a file that holds a JSON Schema (ENOENT`);
    expect(await upshift(['submit', 'x', '--json-schema', wrong])).toMatchObject({ code: 2, errors });
  }
  expect(await upshift(['submit'])).toMatchObject({ code: 2, errors: expect.stringMatching(/^The prompt is empty. Give/) });
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
  expect(await upshift(['jobs', '--metadata', 'foo'])).toMatchObject({
    code: 2,
    errors: expect.stringContaining('key=value') as string,
  });
  for (const url of ['nonsense', 'localhost:7700']) {
    const errors = `--url, or UPSHIFT_URL, is ${url}; it is an address as http://127.0.0.1:7700\n`;
    expect(await upshift(['queues'], { url })).toMatchObject({ code: 2, errors });
  }
  const folder = await upshift(['classify', import.meta.dirname]);
  expect(folder).toMatchObject({
    code: 2,
    errors: `${import.meta.dirname} can not be used (EISDIR): it is a folder, and must be a file\n`,
  });
  for (const words of [['classify'], ['train', '--labels'], ['calibrate', '--labels']])
    expect(await upshift([...words, '/nowhere.jsonl'])).toMatchObject({
      code: 2,
      errors: '/nowhere.jsonl can not be used (ENOENT): there is no such file or folder\n',
    });
  const [input, noConfig] = [join(directory, 'one.jsonl'), 'no-config.yaml'];
  await writeFile(input, '"Hello."');
  for (const words of [
    ['models', noConfig],
    ['train', '--config', noConfig],
    ['replay', input, '--config', noConfig],
  ])
    expect(await upshift(words)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^no-config.yaml can not be used:\n  - ENOENT.*\n$/),
    });
  const badCheck = join(directory, 'bad-check.yaml');
  const shipped = await readFile(join(import.meta.dirname, '../../upshift.config.yaml'), 'utf8');
  await writeFile(badCheck, shipped.replace(/^ {2}default:\n/m, '$&    checks: [{ type: length }]\n'));
  expect(await upshift(['replay', input, '--config', badCheck])).toMatchObject({
    code: 1,
    errors: expect.stringContaining(`${badCheck} can not be used:\n  - routes.default.checks.0: `),
  });
  expect((await upshift(['--version'])).out).toBe(`${manifest.version}\n`);
  const help = await upshift(['--help']);
  expect(help.code).toBe(0);
  expect(help.out).toContain('Exit codes:');
});

test('a fault of the sandbox is one that it knows, of a provider or model that there is, and the last one counts', async () => {
  const sandbox = (...words: string[]): Promise<Ran> => upshift(['sandbox', '--sandbox', fleet.sandbox.url, ...words]);
  expect(faultKinds.toSorted()).toEqual(oneFaultRule.shape.kind.options.toSorted());
  expect(await sandbox('fault', 'opneai')).toMatchObject({
    code: 2,
    errors: expect.stringContaining('upshift.config.yaml has no such provider; it has openai, anthropic, ollama\n'),
  });
  expect(await sandbox('fault', 'openai/gpt-0')).toMatchObject({ code: 2, errors: expect.stringContaining('openai/gpt-6-luna') });
  expect(await sandbox('fault', 'openai', '--kind', 'sloth')).toMatchObject({
    code: 2,
    errors: expect.stringContaining('sloth'),
  });

  await sandbox('fault', 'openai');
  await sandbox('fault', 'openai/gpt-6-luna', '--kind', 'auth');
  expect((await sandbox('fault', 'openai', '--kind', 'slow')).out).toContain('All calls of openai/* take 3 s now');
  expect(fleet.sandbox.faults.rules).toEqual([
    { model: 'openai/*', kind: 'slow', latency_ms: 3000 },
    { model: 'openai/gpt-6-luna', kind: 'auth' },
    { model: 'openai/*', kind: 'server_error' },
  ]);
  for (const target of ['openai', 'openai/gpt-6-luna']) await sandbox('heal', target);
  expect(fleet.sandbox.faults.rules).toEqual([]);
});

test('a reader that wants no more lines is no error', async () => {
  const child = spawn(process.execPath, [main, 'classify'], { stdio: 'pipe' });
  const exited = once(child, 'exit');
  child.stdin.on('error', () => undefined).end('{"prompt":"How far is the moon?"}\n'.repeat(20_000));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  expect(await text(child.stderr)).toBe('');
  expect(await exited).toEqual([0, null]);
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
  expect((await upshift(['webhooks', 'redeliver', 'orders', '--failed'])).out).toContain('again: 1.');
  await told.promise;
  server.close();
});

interface ResultLine {
  line: number;
  id?: string;
  custom_id?: string;
  status?: string;
  text?: string;
  error?: string;
}

async function resultsOf(out: string): Promise<ResultLine[]> {
  return (await readFile(out, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ResultLine);
}

test('a file of prompts, jobs and batch lines is run, and its results stand in the order of the rows, bad ones too', async () => {
  const messages = [{ role: 'user', content: 'What is the capital of France?' }];
  const batch = (custom_id: string, body: object) => ({ custom_id, method: 'POST', url: '/v1/chat/completions', body });
  const rows = [
    '"What is the capital of France?"',
    JSON.stringify({ input: { prompt: 'What is the capital of France?' }, route: 'chat' }),
    '',
    JSON.stringify(batch('first', { model: 'gpt-4o', messages, max_tokens: 50, stop: 'x' })),
    JSON.stringify(batch('second', { messages, logprobs: true })),
    '{"input": ',
    JSON.stringify({ input: { prompt: 'Hello.' }, route: 'nowhere' }),
    '7',
  ];
  const [input, out] = [join(directory, 'rows.jsonl'), join(directory, 'results.jsonl')];
  await writeFile(input, rows.join('\n'));
  expect(await upshift(['run', input, '--out', out])).toMatchObject({
    code: 1,
    out: expect.stringContaining('3 completed, 0 failed, 4 refused'),
  });
  const results = await resultsOf(out);
  expect(results.map(({ line }) => line)).toEqual([1, 2, 4, 5, 6, 7, 8]);
  expect(results.slice(0, 3).map(({ text: answer }) => answer)).toEqual(['Paris.', 'Paris.', 'Paris.']);
  expect(results[2]).toMatchObject({ custom_id: 'first', status: 'completed' });
  expect(results[3]).toMatchObject({ custom_id: 'second', error: expect.stringContaining('logprobs') });
  expect(results[5]?.error).toContain('unknown_route');
  const again = await upshift(['run', input, '--out', out]);
  expect(again).toMatchObject({ code: 2, errors: expect.stringContaining('--force') });
});

test('a run that is killed goes on where it was: every row has one result, and no job was made twice', async () => {
  const [input, out] = [join(directory, 'many.jsonl'), join(directory, 'many-results.jsonl')];
  const rows = Array.from({ length: 400 }, (_, index) => JSON.stringify(`Many ${index}.`));
  await writeFile(input, rows.join('\n'));
  const child = spawn(process.execPath, [main, '--url', fleet.url('intake'), 'run', input, '--out', out], { stdio: 'ignore' });
  await expect
    .poll(async () => (await readFile(out, 'utf8').catch(() => '')).split('\n').length, { timeout: 30_000, interval: 5 })
    .toBeGreaterThan(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const before = (await readFile(out, 'utf8')).split('\n').length - 1;
  expect(before).toBeLessThan(400);
  await writeFile(out, '{"line": 999, "torn', { flag: 'a' });
  expect(await upshift(['run', input, '--out', out])).toMatchObject({ code: 0 });
  const results = await resultsOf(out);
  expect(results.map(({ line }) => line)).toEqual(rows.map((_, index) => index + 1));
  expect(new Set(results.map(({ id }) => id)).size).toBe(400);
  const keys = new Set(rows.map((row) => bookKey(JSON.parse(row) as string)));
  const paid = fleet.sandbox.ledger.generations.filter(({ key }) => keys.has(key));
  expect(new Set(paid.map(({ client_request_id: id }) => id?.split('.')[0])).size).toBe(400);
});
