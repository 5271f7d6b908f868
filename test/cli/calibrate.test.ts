import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, expect, test } from 'vitest';

import { exampleLabels } from '../scorer/example-labels.ts';

const main = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const shipped = readFileSync(new URL('../../upshift.config.yaml', import.meta.url), 'utf8');

const directory = mkdtempSync(join(tmpdir(), 'upshift-calibrate-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Of 150 questions all tiers give the same right answer; of 20 others only the cheapest has answered, wrongly. */
const labels = [
  ...exampleLabels(150, ['', '', 'premium']).flatMap((label) =>
    label.tier === '' ? [] : ['economy', 'standard', 'premium'].map((tier) => ({ ...label, tier })),
  ),
  ...exampleLabels(60, ['economy'])
    .filter(({ ok }) => !ok)
    .map((label) => ({ ...label, question_id: `other ${label.question_id}` })),
];

function calibrated(config: string): { code: number | null; out: string; errors: string } {
  const [file, of] = [join(directory, 'config.yaml'), join(directory, 'labels.jsonl')];
  writeFileSync(file, config);
  writeFileSync(of, labels.map((label) => JSON.stringify(label)).join('\n'));
  const args = [main, 'calibrate', '--labels', of, '--target', '0.9', '--config', file, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { code: status, out: stdout, errors: stderr.replace(directory, '') };
}

test('a tier costs what the model costs that stands for it in the savings, whatever else it has that costs nothing', () => {
  const { code, out } = calibrated(shipped);
  expect(code).toBe(0);
  // gpt-6-luna and gpt-6.1-sol: 0.1 and 2 USD per million tokens in, 0.5 and 10 out.
  expect((JSON.parse(out) as { thresholds: { cost: number } }).thresholds.cost).toBeCloseTo(0.1 / 2, 10);
});

test('a tier whose price is not known is no tier that costs nothing', () => {
  const [before, after = ''] = shipped.split('  openai/gpt-6.1-sol:\n');
  const unknown = `${before}  openai/gpt-6.1-sol:\n${after.replace('from: 2026-09-01', 'from: 2999-01-01')}`;
  expect(calibrated(unknown)).toEqual({
    code: 2,
    out: '',
    errors: '/config.yaml: what tier premium costs is not known: openai/gpt-6.1-sol has no price in force\n',
  });
});
