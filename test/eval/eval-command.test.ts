import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { evalCommand } from '../../services/cli/src/eval/eval.ts';
import type { Evaluation } from '../../services/cli/src/eval/evaluate.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'upshift-eval-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Rows of a set as the folder of recorded answers has them. */
function writeRows(file: string, rows: object[]): void {
  writeFileSync(join(directory, `${file}.jsonl.gz`), gzipSync(rows.map((row) => JSON.stringify(row)).join('\n')));
}

const run = (changes: Partial<Parameters<typeof evalCommand>[0]> = {}): number =>
  evalCommand({ data: directory, out: join(directory, 'out'), weights: 'shipped', json: false, ...changes });

const rows = Array.from({ length: 60 }, (_, index) => ({
  id: (index * 7_919_777 + 1_000_003).toString(16).padStart(16, '0'),
  domain: index % 3 === 0 ? 'history' : 'physics',
  prompt: `In which year did event ${index} take place?\nA. 18${10 + index}\nB. 19${10 + index}\nAnswer:`,
  weak_ok: index % 2 === 0,
  strong_ok: index % 5 !== 0,
  excluded_as_contaminated: index === 7,
}));

test('a folder with some of the sets is evaluated by these, and the report is written', () => {
  writeRows('routellm_mmlu', rows);
  expect(run()).toBe(0);
  expect(readdirSync(join(directory, 'out')).toSorted()).toEqual(['report.html', 'report.json']);
  const { pairs } = JSON.parse(readFileSync(join(directory, 'out', 'report.json'), 'utf8')) as Evaluation;
  expect(pairs).toMatchObject([{ name: 'MMLU', questions: 59 }]);
  expect(pairs[0]!.routers.map(({ name }) => name)).toContain('classifier');
});

test.runIf(process.platform === 'linux')('where the disk is full, the file that can not be written is named', () => {
  writeRows('routellm_mmlu', rows);
  mkdirSync(join(directory, 'out'));
  const path = join(directory, 'out', 'report.json');
  symlinkSync('/dev/full', path);
  expect(() => run()).toThrow(expect.objectContaining({ code: 'ENOSPC', path }) as Error);
});

test('a folder without recorded answers, and a name that no pair has, are refused', () => {
  expect(() => run()).toThrow(`There are no recorded answers in ${directory}; --data names the folder that has them.`);
  writeRows('wildbench_v2_scores', [
    {
      session_id: 'a',
      models: { 'gemma-7b-it': { score: 4, response: 'x' }, 'reka-core-20240501': { score: 8, response: 'y' } },
    },
  ]);
  expect(() => run({ only: 'nowhere' })).toThrow('--only nowhere: no pair has that in its name.');
});

test('a row that is none is told by its line, with what one is', () => {
  writeRows('wildbench_v2_scores', [
    { session_id: 'a', models: {} },
    { session_id: 7, models: {} },
  ]);
  expect(() => run()).toThrow(
    /wildbench_v2_scores\.jsonl\.gz, line 2: session_id \(7\): must be a string, not a number; a line is an object with session_id, models$/,
  );
});

test('training needs all sets that weights are made from, and names the one that is missing', () => {
  writeRows('wildbench_v2_scores', [
    {
      session_id: 'a',
      models: { 'gemma-7b-it': { score: 4, response: 'x' }, 'reka-core-20240501': { score: 8, response: 'y' } },
    },
  ]);
  expect(() => run({ weights: 'cross-fitted' })).toThrow(/^There is no .*routellm_gsm8k\.jsonl\.gz; --data names the folder/);
});
