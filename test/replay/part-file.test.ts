import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { openPart } from '../../services/cli/src/record/part-file.ts';
import { exampleRecording } from './example-recording.ts';

let directory: string;
let out: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'upshift-part-'));
  out = join(directory, 'book.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a book is in its place only when it is whole, also an empty one', async () => {
  const part = await openPart(out, {}, false);
  expect(existsSync(out)).toBe(false);
  part.finish();
  expect(readFileSync(out, 'utf8')).toBe('');
  expect(existsSync(part.file)).toBe(false);
});

test('one that was broken off goes on after its last whole line', async () => {
  const first = await openPart(out, { route: 'default' }, false);
  first.write([exampleRecording('job_2', { redactions: 3 }), exampleRecording('job_1')]);
  appendFileSync(first.file, '{"object":"reco');
  const second = await openPart(out, { route: 'default' }, false);
  expect(second).toMatchObject({ written: 2, redactions: 3, lastJob: 'job_1' });
  second.write([exampleRecording('job_0')]);
  second.finish();
  const lines = readFileSync(out, 'utf8').trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { job: string }).job)).toEqual(['job_2', 'job_1', 'job_0']);
});

test('one that was broken off within its first line begins with none of it', async () => {
  const first = await openPart(out, {}, false);
  appendFileSync(first.file, '{"object":"reco');
  const second = await openPart(out, {}, false);
  expect(second).toMatchObject({ written: 0, lastJob: null });
  second.write([exampleRecording('job_0')]);
  second.finish();
  expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ job: 'job_0' });
});

test('one that was broken off within a letter loses no more than that line', async () => {
  const first = await openPart(out, {}, false);
  first.write([exampleRecording('job_1', { redactions: 1 })]);
  const { size } = statSync(first.file);
  appendFileSync(first.file, Buffer.from('{"object":"é').subarray(0, -1));
  expect(await openPart(out, {}, false)).toMatchObject({ written: 1, redactions: 1, lastJob: 'job_1' });
  expect(statSync(first.file).size).toBe(size);
});

test('another choice of jobs begins anew', async () => {
  (await openPart(out, { route: 'default' }, false)).write([exampleRecording('job_1')]);
  expect(await openPart(out, { route: 'chat' }, false)).toMatchObject({ written: 0, lastJob: null });
});

test('a book that exists is overwritten only by force', async () => {
  writeFileSync(out, 'mine\n');
  await expect(openPart(out, {}, false)).rejects.toThrow(/exists/);
  (await openPart(out, {}, true)).finish();
  expect(readFileSync(out, 'utf8')).toBe('');
});
