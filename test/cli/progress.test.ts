import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

import { expect, test } from 'vitest';

import { createProgress, newProgress } from '../../services/cli/src/up/progress.ts';

function shownOn(columns: number, ended: number): string[] {
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 24 }) as unknown as NodeJS.WriteStream;
  const progress = newProgress(330_000);
  createProgress(terminal).show({ ...progress, submitted: 330_000, ended, costUsd: 101.5 });
  return stripVTControlCharacters(String(terminal.read()))
    .split('\n')
    .filter((line) => line.trim() !== '');
}

test('how far a run is fits on a terminal of 80 columns, and nothing is said of the time before a job has ended', () => {
  expect(shownOn(80, 0)).toEqual(shownOn(200, 0));
  expect(shownOn(80, 0)[1]).toBe('  0/330000 done, 330000 submitted, 0 jobs/s, 101.5000 USD');
  expect(shownOn(80, 165_000)).toHaveLength(3);
});
