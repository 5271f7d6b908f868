import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { JobRecording, JobRequestBody, UpshiftConfig } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Report } from '../../services/cli/src/replay/compare.ts';
import { bookKey } from '../sandbox/book.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

const ADDRESS = 'ada.lovelace@example.org';
/** At 0.10 and 0.50 USD per million tokens this costs 0.00015 USD in the economy tier, at 1 and 5 0.0015 in the standard tier. */
const usage = { input_tokens: 1000, output_tokens: 100 };
const ECONOMY_USD = 0.00015;
const STANDARD_USD = 0.0015;

const economy = ['openai/gpt-6-luna', 'anthropic/claude-haiku-5-5', 'ollama/llama3.1:8b'];

/** Scored 0.5 with one of the words, 1 with both. */
const bothWords = ['alpha', 'beta'].map((word) => ({ type: 'contains' as const, values: [word], gate: false }));

const weather = { name: 'weather', parameters: { type: 'object', properties: { town: { type: 'string' } } } };

/** One job each: accepted, escalated, judged, accepted, redacted, with a call of a tool. */
const requests: Record<string, JobRequestBody> = {
  plain: { task: 'classification', input: { prompt: 'Is this spam?' } },
  escalated: { task: 'classification', input: { prompt: 'Name both letters.' }, checks: bothWords },
  judged: { task: 'classification', input: { prompt: 'Be kind.' }, checks: [{ type: 'llm_judge', rubric: 'Is it kind?' }] },
  translated: { task: 'translation', input: { prompt: 'Translate: bonjour' } },
  redacted: {
    task: 'classification',
    input: { prompt: `Who wrote to ${ADDRESS}?` },
    checks: [{ type: 'contains', values: [ADDRESS] }],
    metadata: { customer: ADDRESS },
  },
  tool: { route: 'chat', input: { prompt: 'What is the weather in Paris?', tools: [weather] } },
};

let fleet: Fleet;
let directory: string;
let book: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-record-'));
  book = join(directory, 'book.jsonl');
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      // A free model would be the cheapest.
      delete config.models['ollama/llama3.1:8b'];
      config.recording = { enabled: true, redact: [String.raw`[\w.]+@[\w.]+\w`] };
    },
  });
  const answers: Record<string, string> = {
    plain: 'no',
    judged: 'How are you?',
    translated: 'hello',
    redacted: `It was ${ADDRESS} herself.`,
  };
  for (const [name, answer] of Object.entries(answers)) fleet.sandbox.book.add({ model: '*', key: keyOf(name), answer, usage });
  fleet.sandbox.book.add({ model: '*', key: keyOf('escalated'), answer: 'alpha beta', usage });
  for (const model of economy) fleet.sandbox.book.add({ model, key: keyOf('escalated'), answer: 'alpha', usage });
  const call = { text: '', tool_calls: [{ name: 'weather', arguments: { town: 'Paris' } }] };
  fleet.sandbox.book.add({ model: '*', key: keyOf('tool'), answer: call, usage });
  for (const request of Object.values(requests)) expect((await fleet.api.run(request)).status).toBe('completed');
});
afterAll(async () => {
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

function keyOf(name: string): string {
  return bookKey((requests[name]!.input as { prompt: string }).prompt);
}

interface Ran {
  code: number | null;
  out: string;
  errors: string;
}

/** Of another Upshift, as a shell may have them. */
let variables: Record<string, string> = {};

async function upshift(...args: string[]): Promise<Ran> {
  const env = { ...process.env, ...variables };
  const child = spawn(process.execPath, [main, '--url', fleet.url('intake'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

async function replay(name: string, change: (config: UpshiftConfig) => void = () => undefined): Promise<Report> {
  const file = join(directory, `${name}.yaml`);
  const config = fleet.config();
  change(config);
  await writeFile(file, JSON.stringify(config));
  const { code, out, errors } = await upshift('replay', book, '--config', file, '--json');
  expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
  return JSON.parse(out) as Report;
}

test('ended jobs are recorded, newest first, and what is redacted is nowhere in the book', async () => {
  const recorded = await upshift('record', '--out', book, '--json');
  expect(JSON.parse(recorded.out)).toMatchObject({ recorded: 6, unfinished: 0 });
  const written = await readFile(book, 'utf8');
  expect(written).not.toMatch(/lovelace|customer/i);
  const lines = written
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JobRecording);
  expect(lines.map(({ created_at: at }) => at)).toEqual(
    lines
      .map(({ created_at: at }) => at)
      .toSorted()
      .toReversed(),
  );
  const redacted = lines.find(({ redactions }) => redactions > 0)!;
  expect(redacted.request.input).toMatchObject({ messages: [{ content: 'Who wrote to [redacted-1]?' }] });
  expect(redacted.request.checks).toEqual([{ type: 'contains', values: ['[redacted-1]'] }]);
  expect(redacted.attempts[0]).toMatchObject({ answer: { text: 'It was [redacted-1] herself.' }, score: 1, passed: true });
  expect((await stat(book)).mode & 0o777).toBe(0o600);
  const again = await upshift('record', '--out', book);
  expect(again.code).toBe(2);
  expect(again.errors).toContain('--force');
  const fewer = await upshift('record', '--out', join(directory, 'two.jsonl'), '--route', 'default', '--limit', '2', '--json');
  expect(JSON.parse(fewer.out)).toMatchObject({ recorded: 2 });
});

test('under the same configuration nothing changes', async () => {
  const report = await replay('same');
  expect(report).toMatchObject({ jobs: 6, moves: [], redacted: 1 });
  expect(report.unknown).toEqual({ no_answer: 0, asked: {}, cut_short: 0, found_wrong: 0, cost_unknown: 0, refused: {} });
  const { compared } = report;
  expect(compared).toMatchObject({ jobs: 6, moved: 0, status_changed: 0, answers_differ: 0 });
  expect(compared.cost_usd.before).toBeGreaterThan(5 * ECONOMY_USD + STANDARD_USD);
  for (const { before, after } of [compared.cost_usd, compared.mean_score, compared.escalations, compared.share.accepted])
    expect(after).toBe(before);
  expect(report.routes.map(({ route, jobs }) => [route, jobs])).toEqual([
    ['chat', 1],
    ['default', 5],
  ]);
});

test('under another configuration jobs move, and one that asks what nobody knows is in no sum', async () => {
  const report = await replay('other', (config) => {
    config.tiers[0]!.accept_at = 0.4;
    config.rules['translation'] = { tier: 'standard', prefer: [] };
  });
  expect(report.unknown).toMatchObject({ no_answer: 1, asked: { 'openai/gpt-6.1-terra': 1 } });
  const { compared } = report;
  expect(compared).toMatchObject({ jobs: 5, moved: 1, status_changed: 0, answers_differ: 1 });
  expect(compared.escalations).toEqual({ before: 1, after: 0 });
  expect(compared.cost_usd.before - compared.cost_usd.after).toBeCloseTo(STANDARD_USD, 9);
  expect(report.moves).toEqual([
    { from: 'standard openai/gpt-6.1-terra', to: expect.stringMatching(/^economy /) as string, jobs: 1 },
  ]);
});

test('jobs that the other configuration does not accept are counted apart', async () => {
  const report = await replay('without-chat', (config) => {
    delete config.routes['chat'];
  });
  expect(report.unknown.refused).toEqual({ unknown_route: 1 });
  expect(report.compared.jobs).toBe(5);
});

test('a body that is too long now is refused, a full backlog holds nothing up, and no trace leaves the machine', async () => {
  let heard = 0;
  const collector = createServer((_request, response) => {
    heard += 1;
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    UPSHIFT_CELLS: '4',
    UPSHIFT_CONSUME_CELLS: '3',
  };
  const report = await replay('short', (config) => {
    config.intake = { max_backlog: 1, body_limit_bytes: 250 };
  });
  variables = {};
  collector.close();
  expect(report.unknown.refused['body_too_large']).toBeGreaterThan(0);
  expect(report.compared.jobs).toBeGreaterThan(0);
  expect(heard).toBe(0);
});

test('interrupted while its Redis starts, a replay leaves none', async () => {
  const [place, empty, config] = ['tmp', 'empty.jsonl', 'running.yaml'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(place);
  await writeFile(empty, '');
  await writeFile(config, JSON.stringify(fleet.config()));
  const env = { ...process.env, TMPDIR: place };
  const child = spawn(process.execPath, [main, 'replay', empty, '--config', config], {
    env,
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await expect
    .poll(async () => (await readdir(place, { recursive: true })).some((name) => name.endsWith('/redis.log')), {
      timeout: 20_000,
      interval: 5,
    })
    .toBe(true);
  child.kill('SIGTERM');
  expect(await exited).toEqual([130, null]);
  expect(await readdir(place)).toEqual([]);
  expect(await processesIn(place)).toEqual([]);
});

/** Ids of the processes that work below a folder, also where it is gone. */
async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => '')));
  return ids.filter((_, index) => folders[index]!.startsWith(folder));
}

test('a job that has not ended is not recorded', async () => {
  fleet.sandbox.settings.change({ hold: true });
  const { body } = await fleet.api.post({ input: { prompt: 'Wait.' } });
  const refused = await fleet.api.send(`/v1/jobs/${body.id}/recording`);
  expect(refused).toMatchObject({ status: 409, body: { code: 'job_not_ended' } });
  fleet.sandbox.settings.change({ hold: false });
});

test('while recording is off, or a pattern is bad, nothing is shown and the key is named', async () => {
  await fleet.stop('intake');
  await fleet.configure((config) => {
    config.recording = { enabled: true, redact: ['('] };
  });
  await expect(fleet.start('intake')).rejects.toThrow(/recording\.redact\.0 \(is "\("\)/);
  await fleet.configure((config) => {
    config.recording = { enabled: false };
  });
  await fleet.start('intake');
  const { id } = await fleet.api.run(requests['plain']!);
  const refused = await fleet.api.send(`/v1/jobs/${id}/recording`);
  expect(refused).toMatchObject({ status: 403, body: { code: 'recording_off' } });
  const recorded = await upshift('record', '--out', join(directory, 'off.jsonl'));
  expect(recorded.code).toBe(2);
  expect(recorded.errors).toContain('recording.enabled: true');
});

test('a book that can not be read is told by file and line', async () => {
  const bad = join(directory, 'bad.jsonl');
  await writeFile(bad, '{"object":"recording"}\n');
  const config = join(directory, 'same.yaml');
  expect((await upshift('replay', bad, '--config', config)).errors).toContain('bad.jsonl, line 1: ');
  expect((await upshift('replay', join(directory, 'none.jsonl'), '--config', config)).code).toBe(2);
});
