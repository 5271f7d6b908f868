import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { LabelLine } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { draw } from '@upshift/routing';

import { exampleLabels } from '../scorer/example-labels.ts';

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');
const shippedConfig = join(import.meta.dirname, '../../upshift.config.yaml');

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'upshift-calibrate-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function calibrate(lines: LabelLine[], ...args: string[]): Promise<Ran> {
  return learn('calibrate', lines, ...args);
}

interface Ran {
  code: number | null;
  out: string;
  errors: string;
}

async function learn(command: 'calibrate' | 'train', lines: LabelLine[], ...args: string[]): Promise<Ran> {
  const file = join(directory, 'labels.jsonl');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const child = spawn(process.execPath, [main, command, '--labels', file, '--config', shippedConfig, ...args]);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, errors };
}

test('what a fallback has answered is a label too, and stands in no threshold’s way', async () => {
  const labels = exampleLabels(60);
  const { code, out, errors } = await calibrate([...labels, { ...labels[0]!, tier: 'fallback' }], '--target', '0.9', '--json');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(JSON.parse(out)).toMatchObject({ labels: 121, tiers: ['economy', 'standard', 'premium'], questions: 60 });
});

test('a tier costs what the model costs that stands for it in the savings, whatever else it has that costs nothing', async () => {
  // Of 150 questions all tiers give the same right answer; of others only the cheapest has answered, wrongly.
  const answered = exampleLabels(150, ['', '', 'premium']).filter(({ tier }) => tier !== '');
  const wrong = exampleLabels(60, ['economy']).filter(({ ok }) => !ok);
  const labels = [
    ...answered.flatMap((label) => ['economy', 'standard', 'premium'].map((tier) => ({ ...label, tier }))),
    ...wrong.map((label) => ({ ...label, question_id: `other ${label.question_id}` })),
  ];
  const { code, out } = await calibrate(labels, '--target', '0.9', '--json');
  expect(code).toBe(0);
  // gpt-6-luna and gpt-6.1-sol: 0.1 and 2 USD per million tokens in, 0.5 and 10 out.
  expect((JSON.parse(out) as { thresholds: { cost: number } }).thresholds.cost).toBeCloseTo(0.1 / 2, 10);
});

test('a tier whose price is not known is no tier that costs nothing', async () => {
  const config = join(directory, 'unpriced.yaml');
  const [before, behind = ''] = readFileSync(shippedConfig, 'utf8').split('  openai/gpt-6.1-sol:\n');
  writeFileSync(config, `${before}  openai/gpt-6.1-sol:\n${behind.replace('from: 2026-09-01', 'from: 2999-01-01')}`);
  const { code, errors } = await calibrate(exampleLabels(60), '--target', '0.9', '--config', config);
  expect({ code, errors }).toEqual({
    code: 2,
    errors: `${config}: what tier premium costs is not known: openai/gpt-6.1-sol has no price in force\n`,
  });
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
  expect((await calibrate(labels, '--target', '0.9')).out).toContain('Answers of standard are not compared here');
});

test('where a model says how complex a prompt is, which labels do not tell, nothing is promised of where jobs start', async () => {
  const [config, out] = [join(directory, 'llm.yaml'), join(directory, 'llm-new.yaml')];
  const asking = '  type: llm\n  llm: { models: [openai/gpt-6-luna] }\n';
  writeFileSync(config, readFileSync(shippedConfig, 'utf8').replace('classifier:\n', `classifier:\n${asking}`));
  const calibrated = await calibrate(exampleLabels(150), '--target', '0.9', '--config', config, '--out', out);
  expect(calibrated.code).toBe(0);
  expect(calibrated.out).toContain('`tiers.economy.accept_at`');
  expect(calibrated.out).toContain('`classifier.type` is llm');
  expect(calibrated.out).not.toContain('| `classifier.thresholds`');
  expect(readFileSync(out, 'utf8')).toContain('  thresholds: [0.3, 0.7]');
});

test('answers of which the scorer says nothing are accepted whatever the thresholds are, and no promise is made as if they were judged', async () => {
  const good = 'Dear customer, your parcel has left our house and will reach you soon. Kind regards';
  const bad = "I'm sorry, as an AI I cannot help with that, and I am not sure who can.";
  const labels = Array.from({ length: 300 }, (_, index): LabelLine[] =>
    ['economy', 'standard', 'premium'].map((tier) => {
      const ok = tier === 'premium' || draw(0.5, index) < 0.5;
      return { question_id: index, prompt: 'Tell the customer where the parcel is.', tier, answer: ok ? good : bad, ok };
    }),
  ).flat();
  const { code, out } = await calibrate(labels, '--target', '0.95', '--json');
  expect(code).toBe(0);
  // All must start at the top, which costs as much as the top tier alone.
  expect(JSON.parse(out)).toMatchObject({ silent: 600, thresholds: { quality: 1, cost: 1 } });
  const { out: report } = await calibrate(labels, '--target', '0.95');
  expect(report).toContain('Of 600 of the 600 answers that are judged the scorer says nothing in the running system');
});

test('train says so where no route goes by the weights', async () => {
  const config = join(directory, 'rules.yaml');
  writeFileSync(config, readFileSync(shippedConfig, 'utf8').replace('classifier:\n', 'classifier:\n  type: rules\n'));
  const words = 'No job goes by these weights: all routes are classified by rules (classifier.type).';
  const [byRules, trained] = [
    await learn('train', exampleLabels(300), '--config', config),
    await learn('train', exampleLabels(300)),
  ];
  expect([byRules, trained].map(({ out }) => out.includes('Learnt from'))).toEqual([true, true]);
  expect([byRules, trained].map(({ out }) => out.includes(words))).toEqual([true, false]);
});

test('where a file can not be written to its end, what stood there stands on, and which file it is is said', async () => {
  const [labels, config] = [join(directory, 'many.jsonl'), join(directory, 'mine.yaml')];
  writeFileSync(
    labels,
    exampleLabels(60)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  copyFileSync(shippedConfig, config);
  // In units of 512 bytes: it may grow, and not by a profile.
  const room = Math.ceil(statSync(config).size / 512);
  const calibrating = [process.execPath, main, 'calibrate', '--labels', labels, '--config', config, '--out', config];
  const child = spawn('/bin/sh', ['-c', `ulimit -f ${room}; exec "$@"`, 'sh', ...calibrating]);
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code: code as number, errors }).toEqual({
    code: 2,
    errors: `${config} can not be used (EFBIG): it may grow no larger\n`,
  });
  expect(readFileSync(config, 'utf8')).toBe(readFileSync(shippedConfig, 'utf8'));
  expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([]);
});
