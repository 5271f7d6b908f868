import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { exampleLabels } from '../scorer/example-labels.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');
const shippedConfig = join(import.meta.dirname, '../../upshift.config.yaml');

let directory: string;
let fleet: Fleet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-calibrate-'));
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.recording = { enabled: true };
      config.scorer = { type: 'checks' };
    },
  });
});
afterAll(async () => {
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

async function upshift(args: string[], input = ''): Promise<{ code: number | null; out: string; errors: string }> {
  const child = spawn(process.execPath, [main, '--url', fleet.url('intake'), ...args], { stdio: 'pipe' });
  child.stdin.end(input);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

function lines(rows: object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

test('labels become a profile that the scorer goes by, thresholds, a changed configuration and a report', async () => {
  const [labels, profile, out, report] = ['labels.jsonl', 'profile.json', 'new.yaml', 'report.md'].map((name) =>
    join(directory, name),
  );
  await writeFile(labels!, lines(exampleLabels(150)));
  const ran = await upshift([
    'calibrate',
    '--labels',
    labels!,
    '--target',
    '0.95',
    '--config',
    shippedConfig,
    '--profile',
    profile!,
    '--out',
    out!,
    '--report',
    report!,
  ]);
  expect(ran).toMatchObject({ code: 0, errors: `wrote ${profile}\nwrote ${out}\nwrote ${report}\n` });
  expect(ran.out).toMatch(/150 questions have an answer of every tier/);
  expect(await readFile(report!, 'utf8')).toBe(ran.out);

  const wrong = exampleLabels(1)[0]!;
  const [shipped, fitted] = await Promise.all(
    [[], ['--profile', profile!]].map((more) => upshift(['score', ...more], lines([wrong]))),
  );
  const scoreOf = ({ out: line }: { out: string }): number => (JSON.parse(line) as { score: number }).score;
  expect(scoreOf(fitted!)).toBeLessThan(scoreOf(shipped!));

  const before = (await readFile(shippedConfig, 'utf8')).split('\n');
  const after = new Set((await readFile(out!, 'utf8')).split('\n'));
  expect(before.filter((line) => !after.has(line)).map((line) => line.trim().replace(/[\d.]+/g, 'n'))).toEqual([
    '- { name: economy, accept_at: n }',
    '- { name: standard, accept_at: n }',
    'thresholds: [n, n]',
  ]);
  const again = join(directory, 'again.yaml');
  await upshift(['calibrate', '--labels', labels!, '--target', '0.95', '--config', out!, '--out', again]);
  expect(await readFile(again, 'utf8')).toBe(await readFile(out!, 'utf8'));
  expect(await upshift(['config', 'check', out!])).toMatchObject({ code: 0 });

  await writeFile(labels!, lines(exampleLabels(12)));
  const few = await upshift(['calibrate', '--labels', labels!, '--config', again, '--out', again]);
  expect(few.out).toMatch(/nothing that is better than the profile in force, so the scorer stays as it is/);
  expect(await readFile(again, 'utf8')).toBe(await readFile(out!, 'utf8'));
});

test('late verdicts on jobs of a running system are labels too', async () => {
  const labels = exampleLabels(12, ['economy']);
  for (const { prompt, answer, ok } of labels) {
    fleet.sandbox.book.add({ model: '*', key: bookKey(prompt), answer });
    const { id, revision } = await fleet.api.run({ input: { prompt }, task: 'classification' });
    await upshiftVerdict(id, revision, Boolean(ok));
  }
  const { code, out } = await upshift(['calibrate', '--from-history', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ labels: 12, profile: { slope: expect.any(Number) } });
});

async function upshiftVerdict(id: string, revision: number, passed: boolean): Promise<void> {
  const body = JSON.stringify({ revision, passed, reason: 'as the test says' });
  const { status } = await fleet.api.send(`/v1/jobs/${id}/verdict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(status).toBe(200);
}

test('labels and profiles that can not be used are refused in words', async () => {
  const file = join(directory, 'bad.jsonl');
  await writeFile(file, lines([{ question_id: 'q', prompt: 'p', tier: 'economy', answer: 'a', ok: 'yes' }]));
  expect(await upshift(['calibrate', '--labels', file])).toMatchObject({
    code: 2,
    errors: expect.stringContaining(`${file}, line 1: ok`),
  });
  await writeFile(file, lines(exampleLabels(20, ['cheap', 'premium'])));
  expect(await upshift(['calibrate', '--labels', file, '--target', '0.9', '--config', shippedConfig])).toMatchObject({
    code: 2,
    errors: expect.stringContaining('tier cheap of the labels is not in'),
  });
  await writeFile(file, JSON.stringify({ intercept: 0, slope: 1, features: { mood: 1 } }));
  expect(await upshift(['score', '--profile', file])).toMatchObject({
    code: 2,
    errors: expect.stringContaining('features.mood'),
  });
});
