import { existsSync } from 'node:fs';

import { CommandError, exitCode } from '../exit-code.ts';
import { rowOfBatchLine } from './openai-batch.ts';
import { readCsv } from './read-csv.ts';
import { numberedLines } from './read-lines.ts';

/** A row of the input: the body of a job, or why it is none. */
export interface Row {
  /** Where it stands in the file, from 1; blank lines count. */
  line: number;
  customId: string | null;
  job: Record<string, unknown> | null;
  error: string | null;
}

/** How a file is read. */
export interface RowOptions {
  /** The column of a CSV file that holds the prompts; without it the file is JSON lines. */
  column?: string;
  /** Put before each row that is a mere prompt. */
  system?: string;
  /** What all rows are given that do not say it themselves. */
  task?: string;
  route?: string;
  webhook?: string;
}

/** Reads rows one by one, so that the file may be of any length. Throws a `CommandError` where it can not be read. */
export async function* readRows(file: string, options: RowOptions): AsyncGenerator<Row> {
  if (!existsSync(file))
    throw new CommandError(`There is no file ${file}.${file === '-' ? ' A pipe is /dev/stdin.' : ''}`, exitCode.refused);
  if (options.column !== undefined) return yield* csvRows(file, options.column, options);
  if (file.toLowerCase().endsWith('.csv'))
    throw new CommandError(`${file} is CSV: say which column holds the prompts, with --column NAME.`, exitCode.refused);
  for await (const { text, number } of numberedLines(file)) yield readRow(text, number, options);
}

export async function countRows(file: string, options: RowOptions): Promise<number> {
  let rows = 0;
  for await (const _ of readRows(file, options)) rows += 1;
  return rows;
}

async function* csvRows(file: string, column: string, options: RowOptions): AsyncGenerator<Row> {
  for await (const cell of readCsv(file, column)) {
    const { line } = cell;
    if ('error' in cell) yield badRow(line, cell.error);
    else if (cell.text.trim() === '') yield badRow(line, `column ${column} is empty; a prompt was expected`);
    else yield promptRow(line, cell.text, options);
  }
}

/** A row is a JSON string (a prompt), a job, or a line of an OpenAI batch. */
function readRow(text: string, line: number, options: RowOptions): Row {
  const value = parse(text);
  if (value === undefined)
    return badRow(line, 'not JSON; a row is a JSON string (a prompt), a job, or a line of an OpenAI batch');
  if (typeof value === 'string') return promptRow(line, value, options);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return badRow(line, `${text.slice(0, 60)} is no row; as in "a prompt" or {"input": {…}}`);
  const object = value as Record<string, unknown>;
  const defaults = defaultsOf(options);
  if ('input' in object) return { line, customId: null, job: { ...defaults, ...object }, error: null };
  if (!('custom_id' in object)) {
    const keys = Object.keys(object).join(', ') || 'nothing';
    return badRow(line, `has ${keys}, and neither "input", as in {"input": {"prompt": "…"}}, nor "custom_id" (an OpenAI batch)`);
  }
  const { customId, job, error } = rowOfBatchLine(object);
  return { line, customId, job: job === null ? null : { ...defaults, ...job }, error };
}

function promptRow(line: number, prompt: string, options: RowOptions): Row {
  const input =
    options.system === undefined
      ? { prompt }
      : {
          messages: [
            { role: 'system', content: options.system },
            { role: 'user', content: prompt },
          ],
        };
  return { line, customId: null, job: { ...defaultsOf(options), input }, error: null };
}

function badRow(line: number, error: string): Row {
  return { line, customId: null, job: null, error };
}

function defaultsOf({ task, route, webhook }: RowOptions): object {
  return Object.fromEntries(Object.entries({ task, route, webhook }).filter(([, value]) => value !== undefined));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
