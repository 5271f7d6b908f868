import { link, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { labelLine } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

import { LABEL } from '../../services/cli/src/calibrate/read-labels.ts';
import { parseLine } from '../../services/cli/src/parse-line.ts';
import { openJournal } from '../../services/cli/src/run/journal.ts';
import type { JournalOptions } from '../../services/cli/src/run/journal.ts';
import { readRows } from '../../services/cli/src/run/read-rows.ts';
import type { Row, RowOptions } from '../../services/cli/src/run/read-rows.ts';

let directory: string;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-run-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function fileOf(text: string | Buffer): Promise<string> {
  count += 1;
  const file = join(directory, `${count}.jsonl`);
  await writeFile(file, text);
  return file;
}

async function rowsOf(text: string | Buffer, options: RowOptions = { route: 'chat' }): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of readRows(await fileOf(text), options)) rows.push(row);
  return rows;
}

test('rows are prompts, jobs and batch lines, with the defaults of the run', async () => {
  const batch = {
    custom_id: 'a',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { messages: [{ role: 'developer', content: 'x' }] },
  };
  const rows = await rowsOf(`"one"\r\n\r\n{"input": {"prompt": "two"}, "route": "own"}\r\n${JSON.stringify(batch)}`);
  expect(rows.map(({ line, job, customId }) => [line, customId, job])).toEqual([
    [1, null, { route: 'chat', input: { prompt: 'one' } }],
    [3, null, { route: 'own', input: { prompt: 'two' } }],
    [4, 'a', { route: 'chat', input: { messages: [{ role: 'system', content: 'x' }] } }],
  ]);
});

test('only a newline ends a row, and a byte order mark is no part of it', async () => {
  const rows = await rowsOf('\uFEFF"one\u2028still one"\n\uFEFF"two"\n');
  expect(rows.map(({ line, job }) => [line, job?.['input']])).toEqual([
    [1, { prompt: 'one\u2028still one' }],
    [2, { prompt: 'two' }],
  ]);
});

test('a bad row says what it is and what would be right', async () => {
  const rows = await rowsOf('plain text\n7\n{"prompt": "x"}\n{"custom_id": "a", "method": "GET"}');
  expect(rows.every(({ job }) => job === null)).toBe(true);
  expect(rows.map(({ error }) => error)).toEqual([
    expect.stringContaining('not JSON'),
    expect.stringContaining('7 is no row'),
    expect.stringContaining('has prompt, and neither "input", as in {"input": {"prompt": "…"}}'),
    expect.stringContaining('/v1/chat/completions'),
  ]);
});

test('a row of CSV is known by the line on which it ends, with line ends of either kind within quotes', async () => {
  for (const end of ['\n', '\r\n']) {
    const text = ['"te', 'xt",id', '"one', 'two",1', '', 'three,2', 'four,3'].join(end);
    const rows = await rowsOf(text, { column: `te${end}xt` });
    expect(rows.map(({ line, job }) => [line, job?.['input']])).toEqual([
      [4, { prompt: `one${end}two` }],
      [6, { prompt: 'three' }],
      [7, { prompt: 'four' }],
    ]);
  }
});

test('a row of CSV with fewer or more fields than the head, or nothing but spaces for a prompt, stops no other', async () => {
  const rows = await rowsOf('id,text,who\n1,one,Ada\n2,two\n3,three,Ada,Bob\n4,  ,Ada\n5,five,Ada\n', { column: 'text' });
  expect(rows.map(({ line, error }) => [line, error])).toEqual([
    [2, null],
    [3, 'has 2 fields, where the head has 3'],
    [4, 'has 4 fields, where the head has 3'],
    [5, 'column text is empty; a prompt was expected'],
    [6, null],
  ]);
});

test('a column that is named twice is refused, where it is the one that is read', async () => {
  await expect(rowsOf('text,text\none,two\n', { column: 'text' })).rejects.toThrow('more than one column of that name');
  expect(await rowsOf('text,,\none,,\n', { column: 'text' })).toHaveLength(1);
});

test('bytes that are not UTF-8 are refused by their line, and never read as other letters', async () => {
  const latin = Buffer.from('"one"\n"caf\u00e9"\n', 'latin1');
  await expect(rowsOf(latin)).rejects.toThrow(/\.jsonl, line 2, is not UTF-8; save it as UTF-8/);
  await expect(rowsOf(latin, { column: 'one' })).rejects.toThrow('line 2, is not UTF-8');
  await expect(rowsOf(Buffer.from('\uFEFF"one"', 'utf16le'))).rejects.toThrow('line 1, is not UTF-8');
  expect(await rowsOf(`"${'\u00e9'.repeat(100_000)}"`)).toHaveLength(1);
});

function journalOf(input: string, output: string, changes: Partial<JournalOptions> = {}) {
  const hasJob = (): Promise<boolean> => Promise.resolve(false);
  return openJournal({ input, output, url: 'http://a', hasJob, options: {}, force: false, ...changes });
}

test('an output that is the input itself is refused, by whatever name, also by force', async () => {
  const input = await fileOf('"one"\n');
  const [soft, hard] = [join(directory, 'soft'), join(directory, 'hard')];
  await symlink(input, soft);
  await link(input, hard);
  for (const output of [input, soft, hard])
    await expect(journalOf(input, output, { force: true })).rejects.toThrow('the very file');
  expect(await readFile(input, 'utf8')).toBe('"one"\n');
});

test('an unfinished run is gone on with after its last whole line', async () => {
  const input = await fileOf('"one"\n"two"\n');
  const out = join(directory, 'gone-on.jsonl');
  const first = await journalOf(input, out);
  await writeFile(out, '{"line":1}\n{"line":2,"to');
  const second = await journalOf(input, out);
  expect(second).toMatchObject({ id: first.id, written: 1 });
  expect(await readFile(out, 'utf8')).toBe('{"line":1}\n');
  second.finish();
  await expect(journalOf(input, out)).rejects.toThrow('--force');
  expect((await journalOf(input, out, { force: true })).id).not.toBe(first.id);
});

test('a run goes on at another address where that API has its jobs, and nowhere else', async () => {
  const input = await fileOf('"one"\n"two"\n"three"\n');
  const out = join(directory, 'moved.jsonl');
  const { id } = await journalOf(input, out);
  const hasJob = (job: string): Promise<boolean> => Promise.resolve(job === 'job_2');
  await expect(journalOf(input, out, { url: 'http://b', hasJob })).rejects.toThrow('Name that one with --url');
  await writeFile(out, '{"line":1,"error":"refused"}\n{"line":2,"id":"job_2"}\n');
  await expect(journalOf(input, out, { url: 'http://b' })).rejects.toThrow('Name that one with --url');
  expect(await journalOf(input, out, { url: 'http://b', hasJob })).toMatchObject({ id, written: 2 });
});

test('an output is refused that belongs to another input, to nobody, or to a process at work', async () => {
  const input = await fileOf('"one"\n');
  const out = join(directory, 'refused.jsonl');
  const { id } = await journalOf(input, out);
  await expect(journalOf(await fileOf('"two"\n'), out)).rejects.toThrow('another input');
  await expect(journalOf(input, out, { options: { task: 'other' } })).rejects.toThrow('another input');
  const journal = JSON.parse(await readFile(`${out}.run.json`, 'utf8')) as object;
  await writeFile(`${out}.run.json`, JSON.stringify({ ...journal, pid: process.ppid }));
  await expect(journalOf(input, out)).rejects.toThrow(`Process ${process.ppid} is at work`);
  expect(id).not.toBe('');
  await expect(journalOf(input, await fileOf('mine'))).rejects.toThrow('no unfinished run');
});

test('a bad line of what is no run says where it stands, which field is bad, and what a line is', () => {
  const told = (text: string): unknown =>
    parseLine({ text, where: 'labels.jsonl, line 3' }, z.strictObject({ prompt: z.string() }), '{"prompt": "…"}');
  expect(told('{"prompt": "Why?"}')).toEqual({ prompt: 'Why?' });
  for (const [line, what] of [
    ['Why?', ' is not JSON'],
    ['"Why?"', ': must be an object, not a string'],
    ['{}', ': prompt: is missing; must be a string'],
    ['{"prompt": 7}', ': prompt (7): must be a string, not a number'],
  ] as const)
    expect(() => told(line)).toThrow(`labels.jsonl, line 3${what}; a line is {"prompt": "…"}`);
});

test('of a field that may be of two kinds, and is missing, both are told, and once that it is', () => {
  expect(() => parseLine({ text: '{}', where: 'line 1' }, labelLine, LABEL)).toThrow(
    'line 1: question_id: is missing; must be a string or a number; a',
  );
});

test('a file that is none, or whose fields stand between other signs than commas, is refused with what would be right', async () => {
  await expect(rowsOf('id;text\n1;x', { column: 'text' })).rejects.toThrow('it has id;text. Fields must stand between commas.');
  await expect(readRows('-', {}).next()).rejects.toThrow('There is no file -. A pipe is /dev/stdin.');
});
