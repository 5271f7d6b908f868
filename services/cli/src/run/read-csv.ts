import { Readable } from 'node:stream';

import { CsvError, parse } from 'csv-parse';

import { CommandError, exitCode } from '../exit-code.ts';
import { rawLines } from './read-lines.ts';

interface Parsed {
  record: string[];
  info: { lines: number };
}

/** What a row has in the column, or what is wrong with the row. */
export type Cell = { line: number; text: string } | { line: number; error: string };

/**
 * One column of a CSV file with a head, row by row; `line` is the line on which the row ends. Throws a `CommandError` where there is
 * no such column, or more than one, or the file is no CSV in UTF-8: what follows a quote that is never closed can not be told apart.
 */
export async function* readCsv(file: string, column: string): AsyncGenerator<Cell> {
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, relax_column_count: true });
  // Read once, for a pipe can not be read again.
  const source = Readable.from(rawLines(file)).on('error', (error) => parser.destroy(error));
  let at: number | null = null;
  let columns = 0;
  let countedTwice = 0;
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<Parsed>) {
      // Of a line that Windows ends within quotes the parser makes two.
      countedTwice += record.reduce((sum, field) => sum + field.split('\r\n').length - 1, 0);
      const line = info.lines - countedTwice;
      if (at === null) [at, columns] = [columnOf(record, column, file), record.length];
      else if (record.length === columns) yield { line, text: record[at]! };
      else yield { line, error: `has ${record.length} fields, where the head has ${columns}` };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CommandError(`${file} can not be read as CSV: ${error.message}.`, exitCode.refused);
  }
}

function columnOf(head: string[], column: string, file: string): number {
  const at = head.indexOf(column);
  if (at === -1) {
    const hint = head.length === 1 ? ' Fields must stand between commas.' : '';
    throw new CommandError(`--column ${column}: ${file} has no such column; it has ${head.join(', ')}.${hint}`, exitCode.refused);
  }
  if (head.lastIndexOf(column) === at) return at;
  throw new CommandError(`--column ${column}: ${file} has more than one column of that name; rename one.`, exitCode.refused);
}
