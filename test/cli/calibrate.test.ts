import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { LabelLine } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { exampleLabels } from '../scorer/example-labels.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');
const shippedConfig = join(import.meta.dirname, '../../upshift.config.yaml');

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'upshift-calibrate-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function calibrate(lines: LabelLine[], ...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const file = join(directory, 'labels.jsonl');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const child = spawn(process.execPath, [main, 'calibrate', '--labels', file, '--config', shippedConfig, ...args]);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

test('what a fallback has answered is a label too, and stands in no threshold’s way', async () => {
  const labels = exampleLabels(60);
  const { code, out, errors } = await calibrate([...labels, { ...labels[0]!, tier: 'fallback' }], '--target', '0.9', '--json');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(JSON.parse(out)).toMatchObject({ labels: 121, tiers: ['economy', 'standard', 'premium'], questions: 60 });
});

test('a tier whose cost is not known is not taken to be free', async () => {
  const config = join(directory, 'unpriced.yaml');
  const shipped = readFileSync(shippedConfig, 'utf8');
  writeFileSync(config, shipped.replaceAll(/(?<=premium[^]*?from: )2026-09-01/g, '2999-01-01'));
  const { code, errors } = await calibrate(exampleLabels(60), '--target', '0.9', '--config', config);
  expect(code).toBe(2);
  expect(errors).toContain(`no model of tier premium has a price in force in ${config}`);
});

test('without answers of a tier nothing is promised of where jobs start, which then stays as it is', async () => {
  // The longer prompts, which look harder, are those that the economy gets wrong; the answers are all the same.
  const labels = exampleLabels(150, ['economy', 'premium']).map((label, index): LabelLine => {
    const isHard = Math.floor(index / 2) % 3 === 0;
    const prompt = isHard ? `${label.prompt} If it closed on Sundays, how much less would each of 7 shops earn?` : label.prompt;
    return { ...label, prompt, answer: 'It is 5.', ok: label.tier === 'premium' || !isHard };
  });
  const out = join(directory, 'new.yaml');
  const ran = await calibrate(labels, '--target', '0.9', '--out', out, '--json');
  const { thresholds } = JSON.parse(ran.out) as { thresholds: { startAt: number[] } };
  expect(thresholds.startAt).toEqual([1.01]);
  const starts = (file: string): string[] => readFileSync(file, 'utf8').match(/^ {2}thresholds: .*$/gm) ?? [];
  expect(starts(out)).toEqual(starts(shippedConfig));
  expect((await calibrate(labels, '--target', '0.9')).out).toContain('No answers of standard are given');
});
