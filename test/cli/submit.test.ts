import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { JobView } from '@upshift/contracts';
import { afterEach, expect, test } from 'vitest';

import { temporaryDirectory } from '../temporary-directory.ts';
import { exampleJob, sendJson, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');
const running = exampleJob('job_7', { status: 'in_progress', result: null });

let server: JobServer;
afterEach(() => server.close());

/** Runs the command line as a user does. */
async function upshift(...words: string[]): Promise<{ code: unknown; out: string; errors: string }> {
  const child = spawn(process.execPath, [main, '--url', server.url, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out, errors };
}

test('who waits for a job knows its id at once, and an API that goes away is waited for', async () => {
  let looks = 0;
  server = await startJobServer(({ method }, response) => {
    if (method === 'POST') return sendJson(response, 202, running);
    looks += 1;
    if (looks === 1) return void response.destroy();
    return sendJson(response, 200, looks === 2 ? running : exampleJob('job_7'));
  });
  const { code, out, errors } = await upshift('submit', 'Where?', '--wait', '--json');
  expect({ code, job: JSON.parse(out) as unknown }).toEqual({ code: 0, job: exampleJob('job_7') });
  expect(errors).toMatch(/^Accepted as job_7\nNothing answers at .*\n$/);
  expect(server.seen.map(({ method, headers }) => [method, headers['prefer']])).toEqual([
    ['POST', undefined],
    ...[1, 2, 3].map(() => ['GET', 'wait=55']),
  ]);
});

test('a prompt may come through a pipe more slowly than it is read', async () => {
  server = await startJobServer((_seen, response) => sendJson(response, 202, running));
  const child = spawn(process.execPath, [main, '--url', server.url, 'submit'], { stdio: ['pipe', 'inherit', 'inherit'] });
  // More than a pipe holds: before its end the reader has found it empty.
  const prompt = 'slow '.repeat(200_000);
  child.stdin.on('error', () => undefined).end(`${prompt}\n`);
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(JSON.parse(server.seen[0]!.body)).toEqual({ input: { prompt } });
});

test('a wait is as long as the clock says, however soon the API answers or for how long it wants not to be asked', async () => {
  for (const [status, headers] of [
    [200, {}],
    [503, { 'Retry-After': '3600' }],
  ] as const) {
    server = await startJobServer(({ method }, response) =>
      sendJson(response, method === 'POST' ? 202 : status, running, headers),
    );
    const startedAt = performance.now();
    const { code, out, errors } = await upshift('submit', 'Where?', '--wait', '2');
    expect(performance.now() - startedAt).toBeGreaterThan(2000);
    expect({ code, out }).toEqual({ code: 3, out: 'job_7\n' });
    expect(errors).toContain('Not ended within 2 s; follow it with  npx upshift watch job_7');
    server.close();
  }
});

test('jobs whose cost is not known wholly are listed as such', async () => {
  server = await startJobServer((_seen, response) =>
    sendJson(response, 200, {
      data: [exampleJob('job_1'), exampleJob('job_2', { cost_unknown: true })],
      has_more: false,
    }),
  );
  const { out } = await upshift('jobs');
  expect(out).toMatch(/job_1 .* 0\.001000 USD *\n/);
  expect(out).toMatch(/job_2 .* 0\.001000 USD and an unknown part *\n/);
});

test('an answer that is no text is shown too', async () => {
  const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' };
  const result = exampleJob('job_1').result!;
  const answers: [JobView['result'], string][] = [
    [{ ...result, tool_calls: [call] }, `Paris.\n${JSON.stringify(call)}`],
    [{ ...result, text: '', vectors: [[1], [2]] }, '2 vectors (--json has them)'],
  ];
  for (const [given, shown] of answers) {
    server = await startJobServer((_seen, response) => sendJson(response, 200, exampleJob('job_1', { result: given })));
    expect((await upshift('get', 'job_1')).out).toContain(`0.001000 USD\n\n${shown}\n`);
    server.close();
  }
});

test('a file that is not UTF-8 is refused, and a byte order mark is no part of a prompt or a schema', async () => {
  server = await startJobServer((_seen, response) => sendJson(response, 202, running));
  const directory = temporaryDirectory();
  const [latin, prompt, schema] = ['latin.txt', 'prompt.txt', 'schema.json'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(latin, 'Zürich', 'latin1');
  writeFileSync(prompt, '\uFEFFZürich\r\n');
  writeFileSync(schema, '\uFEFF{"type":"object"}');
  expect(await upshift('submit', '--file', latin)).toMatchObject({
    code: 2,
    errors: `--file ${latin}: it is not UTF-8; save it as UTF-8\n`,
  });
  await upshift('submit', '--file', prompt, '--json-schema', schema);
  expect(server.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { input: { prompt: 'Zürich', response_format: { type: 'json_schema', schema: { type: 'object' } } } },
  ]);
});

test('standard input that can not be read is named as such', async () => {
  server = await startJobServer((_seen, response) => sendJson(response, 202, running));
  const line = '"$NODE" "$MAIN" --url "$URL" submit < /';
  const child = spawn('sh', ['-c', line], { env: { ...process.env, NODE: process.execPath, MAIN: main, URL: server.url } });
  expect(await text(child.stderr)).toMatch(/^standard input: it is a folder/);
});

test.each([
  ['get', ''],
  ['experiments', 'show', ''],
])(
  'a name that is empty, as that of a variable which is not set, is refused: it would be taken for all of them',
  async (...words) => {
    server = await startJobServer((_seen, response) => sendJson(response, 200, { data: [] }));
    const { code, out, errors } = await upshift(...words, '--json');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(errors).toMatch(/^error: <(job|name)> is empty; is a variable not set\?\n/);
    expect(server.seen).toEqual([]);
  },
);
