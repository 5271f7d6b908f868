import { expect, test } from 'vitest';

import { experimentLines } from '../../services/cli/src/commands/experiment-lines.ts';
import { exampleView } from '../routing/experiment-view.ts';

const lines = experimentLines(exampleView());

test('every figure has a row and every arm a column; what is not known is said', () => {
  const row = (title: string): string =>
    lines
      .find((line) => line.trim().startsWith(title))!
      .replaceAll(/ {2,}/g, '  ')
      .trim();
  expect(row('pass_rate ')).toBe('pass_rate  0.95 [0.9, 0.98]  0.95 [0.9, 0.98]');
  expect(row('error_rate')).toBe('error_rate  0.1 [0.05, ?]  0.1 [0.05, ?]');
  expect(row('latency p50')).toBe('latency p50 ms  120 [100, 140]  120 [100, 140]');
  expect(row('USD ')).toBe('USD  0.5  0.5 and 4 jobs unknown');
  expect(lines.join('\n')).not.toContain('schema_failure_rate');
  expect(lines).toContain('held answers: 3 wait, 0 were released, 0 jobs were answered anew');
});

test('a plot has the value and the interval of each arm at each time, between the outermost of now', () => {
  const from = lines.findIndex((line) => line.startsWith('pass_rate (higher is better)'));
  expect(lines[from]).toBe('pass_rate (higher is better)   o stable 0.9 [0.85, 0.95]   x canary 0.6 [0.5, 0.7]');
  const grid = lines.slice(from + 1, from + 10).map((line) => line.slice(12).padEnd(60));
  const column = (at: number): string => grid.map((line) => line[at]).join('');
  expect([column(0), column(1)]).toEqual(['o.......x', 'o:::::::x']);
  // Of the last third: rows from 1 down to 0.5; arms take turns with their intervals.
  expect(column(58)).toBe(' .o   x  ');
  expect(column(59)).toBe('  o  :x::');
  expect(lines[from + 10]).toBe('            2026-11-24 12:00:00 UTC              2026-11-24 12:00:09 UTC');
});

test('an experiment without jobs says so', () => {
  expect(experimentLines(exampleView({ arms: [], series: [] }))).toContain('No job has ended yet.');
});
