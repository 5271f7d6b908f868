import { rowOfBatchLine } from './openai-batch.ts';
import { readLines } from './read-lines.ts';

/** A line of the input: the body of a job, or why it is none. */
export interface Row {
  /** From 1, blank lines counted. */
  line: number;
  customId: string | null;
  job: Record<string, unknown> | null;
  error: string | null;
}

/** What all rows are given that do not say it themselves. */
export interface RowDefaults {
  task?: string;
  route?: string;
  webhook?: string;
}

/** Reads rows one by one, so that the file may be of any length. Blank lines are skipped. */
export async function* readRows(file: string, defaults: RowDefaults): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of readLines(file)) {
    line += 1;
    if (text.trim() !== '') yield readRow(text, line, defaults);
  }
}

/** A row is a JSON string (a prompt), a job, or a line of an OpenAI batch. */
function readRow(text: string, line: number, defaults: RowDefaults): Row {
  const bad = (error: string): Row => ({ line, customId: null, job: null, error });
  const value = parse(text);
  if (value === undefined) return bad('not JSON; a row is a JSON string (a prompt), a job, or a line of an OpenAI batch');
  if (typeof value === 'string') return { line, customId: null, job: { ...defaults, input: { prompt: value } }, error: null };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return bad(`${text.slice(0, 60)} is no row; as in "a prompt" or {"input": {…}}`);
  const object = value as Record<string, unknown>;
  if ('input' in object) return { line, customId: null, job: { ...defaults, ...object }, error: null };
  if (!('custom_id' in object))
    return bad(
      `neither "input" (a job) nor "custom_id" (an OpenAI batch) in ${Object.keys(object).join(', ') || 'an empty object'}`,
    );
  const { customId, input, error } = rowOfBatchLine(object);
  return { line, customId, job: input === null ? null : { ...defaults, input }, error };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
