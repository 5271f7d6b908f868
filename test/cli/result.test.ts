import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import type { JobState, TrailEntry } from '@upshift/contracts';
import { afterAll, expect, test } from 'vitest';

import { isRight } from '../../services/cli/src/up/matchers.ts';
import type { MatcherName } from '../../services/cli/src/up/matchers.ts';
import { printResult } from '../../services/cli/src/up/print-result.ts';
import { resultOf } from '../../services/cli/src/up/result.ts';
import { openRun, readWorkload } from '../../services/cli/src/up/workload.ts';
import {
  after,
  acceptedJob,
  answered as answeredBy,
  classified,
  exampleConfig,
  factsOf,
  failed,
  HIGH,
  sent,
  usage,
} from '../routing/example.ts';
import { exampleJob } from './job-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'upshift-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

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

test('a workload lists every bad line with its number', () => {
  const file = join(directory, 'bad.jsonl');
  writeFileSync(file, '{"id":"a","input":{}}\nnot json\n\n{"id":"","input":{},"matcher":"sort_of"}\n');
  expect(() => readWorkload(file)).toThrow(/line 2: not JSON[\s\S]*line 4: .*id.*matcher/);
});

test.each([
  ['"matcher":"regex","gold":"("', /gold \("\("\): must be a regular expression/],
  ['"matcher":"vectors"', /gold: must be as in/],
  ['"matcher":"contains_all","gold":"red"', /gold \("red"\): must be a list/],
  ['"matcher":"number","gold":"many"', /gold \("many"\): must be a number/],
  ['"matcher":"exact"', /gold: must be a text/],
  ['"matcher":"json"', /gold: must be JSON/],
])('a row with %s is refused before anything is paid for', (fields, problem) => {
  const file = join(directory, 'gold.jsonl');
  writeFileSync(file, `{"id":"a","input":{},${fields}}\n`);
  expect(() => readWorkload(file)).toThrow(problem);
});

test('a row with a field that is none, or of another kind, is told what would be right', () => {
  const file = join(directory, 'fields.jsonl');
  writeFileSync(file, '{"id":7,"input":"x","chek":1}\n[]\n');
  expect(() => readWorkload(file)).toThrow(
    /line 1: id \(7\): must be a string, not a number; input \("x"\): must be an object, not a string; chek \(1\): is not known here; known: id, task[\s\S]*line 2: must be an object, not a list$/,
  );
});

test('two rows with one id, which would be one job, are refused', () => {
  const file = join(directory, 'twice.jsonl');
  writeFileSync(file, '{"id":"a","input":{}}\n{"id":"b","input":{}}\n{"id":"a","input":{}}\n');
  expect(() => readWorkload(file)).toThrow(/line 3: id: "a" is that of line 1 too/);
});

test('the bundled workload can be read', () => {
  expect(readWorkload(join(import.meta.dirname, '../../examples/workload.jsonl')).rows).toHaveLength(330);
});

test('a workload is read as all other input is: in UTF-8, with or without a byte order mark', () => {
  const file = join(directory, 'encoded.jsonl');
  writeFileSync(file, '\uFEFF{"id":"größe","input":{}}\n');
  expect(readWorkload(file).rows.map(({ id }) => id)).toEqual(['größe']);
  writeFileSync(file, '{"id":"größe","input":{}}\n', 'latin1');
  expect(() => readWorkload(file)).toThrow(`${file} can not be used:\n  - it is not UTF-8; save it as UTF-8`);
  expect(() => readWorkload(directory)).toThrow(/can not be used:\n {2}- EISDIR/);
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

test('what one model alone would have cost is the tokens of the answer that was given, a hedge’s too', () => {
  const config = exampleConfig((file) => (file.routes['default']!['hedge'] = true));
  const facts = factsOf(config);
  const trail: TrailEntry[] = [];
  let job: JobState = { ...acceptedJob(config), deadline: facts.now };
  const longer = { usage: { ...usage, inputTokens: 2000 } };
  for (const event of [
    classified(0.1),
    sent(1),
    { type: 'hedge-due', attempt: 1, afterMs: 900 } as const,
    sent(2),
    answeredBy(2, longer),
    failed(1, 'aborted'),
    { type: 'deadline-passed' } as const,
  ]) {
    const decision = after(job, facts, event);
    trail.push(...decision.trail);
    job = decision.job;
  }
  expect(job).toMatchObject({ status: 'completed', finalAttempt: 2 });
  const row = { id: 'q', input: {}, checks: [] };
  const result = resultOf([{ row, job: exampleJob('job_1'), trail }], config, null, 1);
  // 2,000 tokens in and 100 out, at 40 and 200 USD per million.
  expect(result.cost_all_premium_usd).toBe(0.1);

  const unmeasured = trail.map((entry) => (entry.event === 'attempt-settled' ? { ...entry, usage: null } : entry));
  expect(resultOf([{ row, job: exampleJob('job_1'), trail: unmeasured }], config, null, 1).cost_all_premium_usd).toBeNull();

  const unpriced = exampleConfig((file) => (file.models[HIGH]!['prices'] = [{ from: '2999-01-01', input: 1, output: 1 }]));
  const unknown = resultOf([{ row, job: exampleJob('job_1'), trail }], unpriced, null, 1);
  expect(unknown.cost_all_premium_usd).toBeNull();
  const printed = new PassThrough();
  printResult(unknown, unpriced, printed as unknown as NodeJS.WriteStream);
  expect(String(printed.read())).toMatch(/all premium \(anthropic\/high\) +unknown +unknown/);
});
