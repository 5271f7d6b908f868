import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { GateLabel, JobView, TrailEntry } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { bookKey } from '../sandbox/book.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, TestConfig } from './fleet.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');

/** The part of jobs that start low although they look hard. */
const EXPLORE = 0.4;
/** A quarter of those that started low is held out, by the hash of their random ids: of half as many that were too few now and then. */
const QUESTIONS = 320;

let directory: string;
let fleet: Fleet;
let jobs: { job: JobView; trail: TrailEntry[]; hard: boolean }[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-train-'));
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'steward', 'worker-economy', 'worker-standard', 'worker-premium'],
    configure: (config) => {
      config.scorer = { type: 'checks' };
      config.routes['default']!.explore = EXPLORE;
    },
  });
  const numbers = Array.from({ length: QUESTIONS }, (_, index) => index);
  jobs = await Promise.all(numbers.map((index) => ask(index)));
});
afterAll(async () => {
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Of two kinds of prompts the economy gets the one wrong, always: what the shipped classifier can not know. */
function promptOf(index: number, hard: boolean): string {
  return hard
    ? `Marking no ${index}: turn the "quoted" remark, which stands here in "quotes" twice, into our house's style.`
    : `How many apples are ${index} apples, and at what rate do 3 of 4 people eat them in ${index + 7} days?`;
}

async function ask(index: number): Promise<{ job: JobView; trail: TrailEntry[]; hard: boolean }> {
  const hard = index % 2 === 0;
  const prompt = promptOf(index, hard);
  fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer: 'good' });
  if (hard) for (const model of modelsOf('economy')) fleet.sandbox.book.add({ model, key: bookKey(prompt), answer: 'bad' });
  const job = await fleet.api.run({ input: { prompt }, checks: [{ type: 'contains', values: ['good'] }] });
  return { job, trail: await fleet.api.trail(job.id), hard };
}

function modelsOf(tier: string): string[] {
  return Object.entries(fleet.config().models).flatMap(([id, model]) => (model.tier === tier ? [id] : []));
}

async function upshift(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const child = spawn(process.execPath, [main, '--url', fleet.url('intake'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

async function keptLabels(): Promise<GateLabel[]> {
  const body = await (await fetch(`${fleet.url('intake')}/v1/labels`)).text();
  return body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as GateLabel);
}

const classifiedOf = (trail: TrailEntry[]): TrailEntry => trail.find(({ event }) => event === 'job-classified')!;

test('a stated part of the jobs starts low by chance, and its probability stands in the trail', () => {
  const started = jobs.map(({ trail }) => classifiedOf(trail));
  const drawn = started.filter(({ reason }) => reason.includes('by chance'));
  const looksHard = started.filter(({ propensity }) => propensity !== undefined && propensity < 1);
  expect(drawn.length).toBeGreaterThan(0);
  expect(drawn.every(({ tier, propensity }) => tier === 'economy' && propensity === EXPLORE)).toBe(true);
  expect(looksHard.filter((one) => !drawn.includes(one)).every(({ propensity }) => propensity === 1 - EXPLORE)).toBe(true);
});

test('each verdict is kept as a label with what was seen of the prompt, and none of its words', async () => {
  const labels = await keptLabels();
  const judged = jobs.flatMap(({ trail }) => trail.filter(({ event }) => event === 'answer-judged'));
  expect(labels).toHaveLength(judged.length);
  const one = jobs.find(({ job, hard }) => hard && job.escalations > 0)!;
  const [first, second] = labels.filter(({ job }) => job === one.job.id);
  expect(first).toMatchObject({ tier: 'economy', passed: false, source: 'gate', route: 'default', task: null });
  expect(second).toMatchObject({ tier: 'standard', passed: true });
  expect(first!.propensity).toBe(classifiedOf(one.trail).propensity ?? 1);
  expect(JSON.stringify(labels)).not.toContain('apples');
});

test('training fits the classifier to the labels, and the same labels give the same bytes', async () => {
  const [config, one, other, labels] = ['config.yaml', 'one.yaml', 'other.yaml', 'labels.jsonl'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  await writeFile(config, stringify(fleet.config()));
  const trained = await upshift('train', '--config', config, '--out', one);
  expect(trained.errors).toContain(`wrote ${one}`);
  expect(trained.code).toBe(0);
  expect(trained.out).toContain('It is better');

  // The other way round, and from a file.
  await writeFile(
    labels,
    (await keptLabels())
      .toReversed()
      .map((label) => JSON.stringify(label))
      .join('\n'),
  );
  expect((await upshift('train', '--labels', labels, '--config', config, '--out', other)).code).toBe(0);
  expect(await readFile(other, 'utf8')).toBe(await readFile(one, 'utf8'));

  // What has been learnt is in force: to learn the same once more is no better.
  const again = await upshift('train', '--config', one, '--out', join(directory, 'none.yaml'));
  expect(again).toMatchObject({ code: 1, out: expect.stringContaining('It is no better') });
  await expect(readFile(join(directory, 'none.yaml'))).rejects.toThrow('ENOENT');
});

test('the running system goes by the new weights once its programs are started with the new configuration', async () => {
  const config = parse(await readFile(join(directory, 'one.yaml'), 'utf8')) as TestConfig;
  const before = classifiedOf(jobs.find(({ hard }) => hard)!.trail).complexity!;
  await fleet.configure((file) => {
    file.classifier = config.classifier;
    file.routes['default']!.explore = 0;
  });
  await fleet.stop('intake', 'classifier');
  await fleet.start('intake', 'classifier');
  const { trail, job } = await ask(QUESTIONS);
  expect(classifiedOf(trail).complexity).toBeGreaterThan(before);
  expect(classifiedOf(trail).tier).not.toBe('economy');
  expect(job.escalations).toBe(0);
});

test('labels that teach nothing are refused, and none that are worse are installed', async () => {
  const [config, labels, out] = ['config.yaml', 'few.jsonl', 'few.yaml'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(
    labels,
    (await keptLabels())
      .slice(0, 5)
      .map((label) => JSON.stringify(label))
      .join('\n'),
  );
  const few = await upshift('train', '--labels', labels, '--config', config, '--out', out);
  expect(few).toMatchObject({ code: 2, errors: expect.stringContaining('at least 10 of either kind are needed') });
  await writeFile(labels, '{"question_id": 1}');
  const bad = await upshift('train', '--labels', labels, '--config', config);
  expect(bad).toMatchObject({ code: 2, errors: expect.stringContaining('line 1') });
});

test('a late verdict is a label that is believed more than the gate’s', async () => {
  const { job } = jobs.find(({ hard, job: ended }) => !hard && ended.result?.tier === 'economy')!;
  await sendVerdict(job.id, false);
  // The job runs again a tier up by then, which makes a label of its own, before or after.
  const labels = (await keptLabels()).filter((label) => label.job === job.id && label.tier === 'economy');
  expect(labels.map(({ source, passed }) => [source, passed])).toEqual([
    ['gate', true],
    ['late', false],
  ]);
});

test('a verdict that is sent again is neither noted nor kept as a label again', async () => {
  const { job } = jobs.findLast(({ hard, job: ended }) => !hard && ended.result?.tier === 'economy')!;
  await sendVerdict(job.id, true);
  await sendVerdict(job.id, true);
  expect((await fleet.api.trail(job.id)).filter(({ event }) => event === 'answer-confirmed')).toHaveLength(1);
  expect((await keptLabels()).filter((label) => label.job === job.id && label.source === 'late')).toHaveLength(1);
});

async function sendVerdict(id: string, passed: boolean): Promise<void> {
  await fleet.api.send(`/v1/jobs/${id}/verdict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ revision: 1, passed, reason: 'counted again' }),
  });
}
