import { createReadStream } from 'node:fs';

import { CsvError, parse } from 'csv-parse';

import { CommandError, exitCode } from '../exit-code.ts';

interface Parsed {
  record: Record<string, string>;
  info: { lines: number };
}

/**
 * One column of a CSV file with a head, row by row; `line` is the line on which the row ends. Throws a `CommandError` where there is
 * no such column or the file is no CSV: what follows a quote that is never closed can not be told apart.
 */
export async function* readCsv(file: string, column: string): AsyncGenerator<{ line: number; text: string }> {
  const columns = (head: string[]): string[] => {
    if (head.includes(column)) return head;
    throw new CommandError(`--column ${column}: ${file} has no such column; it has ${head.join(', ')}.`, exitCode.refused);
  };
  const parser = parse({ bom: true, columns, info: true, skip_empty_lines: true });
  const source = createReadStream(file).on('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<Parsed>)
      yield { line: info.lines, text: record[column] ?? '' };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CommandError(`${file} can not be read as CSV: ${error.message}.`, exitCode.refused);
  }
}
