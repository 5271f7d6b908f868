import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
