import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { isRight } from '../../services/cli/src/up/matchers.ts';
import type { MatcherName } from '../../services/cli/src/up/matchers.ts';
import { createProgress, newProgress } from '../../services/cli/src/up/progress.ts';
import { openRun, readWorkload } from '../../services/cli/src/up/workload.ts';

const directory = mkdtempSync(join(tmpdir(), 'upshift-cli-'));

function answered(text: string, vectors: number[][] | null = null): { text: string; vectors: number[][] | null } {
  return { text, vectors };
}

test.each<[MatcherName, string, unknown, boolean]>([
  ['exact', ' Bug \n', 'bug', true],
  ['exact', 'bug report', 'bug', false],
  ['number', 'So 3 + 4 = 7.\nAnswer: 1,234.50', 1234.5, true],
  ['number', 'Answer: -7', 7, false],
  ['number', 'no number at all', 7, false],
  ['json', '```json\n{"a": [1, 2]}\n```', { a: [1, 2] }, true],
  ['json', '{"a": [2, 1]}', { a: [1, 2] }, false],
  ['json', 'not json', {}, false],
  ['contains_all', 'Red AND green', ['red', 'green'], true],
  ['contains_all', 'red only', ['red', 'green'], false],
  ['regex', 'I can’t help with that', 'can.t help', true],
  ['vectors', '', { count: 1 }, false],
])('matcher %s on %j with gold %j is %s', (matcher, text, gold, right) => {
  expect(isRight(answered(text), matcher, gold)).toBe(right);
});

test('vectors are right when there is one for each text', () => {
  expect(isRight(answered('', [[1], [2]]), 'vectors', { count: 2 })).toBe(true);
});

test('a job without a result is not right', () => {
  expect(isRight(null, 'exact', 'bug')).toBe(false);
});

test('how far a run is has no empty end before the first job has ended', () => {
  const lines: string[] = [];
  const clock = vi.spyOn(Date, 'now').mockReturnValue(0);
  const progress = createProgress({ isTTY: false, write: (line: string) => lines.push(line) } as unknown as NodeJS.WriteStream);
  clock.mockReturnValue(10_000);
  progress.show({ ...newProgress(4), submitted: 4 });
  clock.mockReturnValue(20_000);
  progress.show({ ...newProgress(4), submitted: 4, ended: 2 });
  clock.mockRestore();
  expect(lines).toEqual([
    '0/4 done, 4 submitted, 0 jobs/s, 0.0000 USD\n',
    '2/4 done, 4 submitted, 0 jobs/s, 0.0000 USD, 20 s left\n',
  ]);
});

test('a workload lists every bad line with its number', () => {
  const file = join(directory, 'bad.jsonl');
  writeFileSync(file, '{"id":"a","input":{}}\nnot json\n\n{"id":"","input":{},"matcher":"sort_of"}\n');
  expect(() => readWorkload(file)).toThrow(/line 2: not JSON[\s\S]*line 4: .*id.*matcher/);
});

test.each([
  ['"matcher":"regex","gold":"("', /gold: must be a regular expression/],
  ['"matcher":"vectors"', /gold: must be as in/],
  ['"matcher":"contains_all","gold":"red"', /gold: must be a list/],
  ['"matcher":"number","gold":"many"', /gold: must be a number/],
  ['"matcher":"exact"', /gold: must be a text/],
  ['"matcher":"json"', /gold: must be JSON/],
])('a row with %s is refused before anything is paid for', (fields, problem) => {
  const file = join(directory, 'gold.jsonl');
  writeFileSync(file, `{"id":"a","input":{},${fields}}\n`);
  expect(() => readWorkload(file)).toThrow(problem);
});

test('two rows with one id, which would be one job, are refused', () => {
  const file = join(directory, 'twice.jsonl');
  writeFileSync(file, '{"id":"a","input":{}}\n{"id":"b","input":{}}\n{"id":"a","input":{}}\n');
  expect(() => readWorkload(file)).toThrow(/line 3: id: "a" is that of line 1 too/);
});

test('the bundled workload can be read', () => {
  expect(readWorkload(join(import.meta.dirname, '../../examples/workload.jsonl')).rows).toHaveLength(330);
});

test('a workload that does not exist is named', () => {
  expect(() => readWorkload('/nowhere.jsonl')).toThrow(/nowhere\.jsonl.*\n.*no such file/);
});

test('an unfinished run of the same workload is gone on with, a finished or changed one is not', () => {
  const workload = { rows: [], hash: 'one' };
  const first = openRun(directory, workload);
  expect(openRun(directory, workload).id).toBe(first.id);
  const changed = openRun(directory, { rows: [], hash: 'two' });
  expect(changed.id).not.toBe(first.id);
  changed.finish();
  expect(openRun(directory, { rows: [], hash: 'two' }).id).toMatch(/^two-/);
});

test.each(['', '{"id": "one-1", "ha', 'null'])('a run whose file was cut off (%j) counts as none', (rest) => {
  writeFileSync(join(directory, 'run.json'), rest);
  const run = openRun(directory, { rows: [], hash: 'one' });
  expect(run.id).toMatch(/^one-/);
  expect(openRun(directory, { rows: [], hash: 'one' }).id).toBe(run.id);
});
