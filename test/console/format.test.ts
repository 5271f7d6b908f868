import { expect, test } from 'vitest';

import { counted, duration, money, percent, recently } from '../../services/console/src/format.ts';

test.each([
  [0, '$0'],
  [260, '$0.00000026'],
  [122_000, '$0.000122'],
  [1_234_567_890_000, '$1,234.57'],
  [-500_000_000, '−$0.5'],
])('%d nano-dollars are %s', (nanoUsd, text) => {
  expect(money(nanoUsd)).toBe(text);
});

test.each([
  // The clock of whoever wrote the beginning is ahead of ours.
  [-350, '0 ms'],
  [0, '0 ms'],
  [999, '999 ms'],
  [2540, '2.5 s'],
  [59_999, '59.9 s'],
  [185_000, '3 min 5 s'],
  [7_260_000, '2 h 1 min'],
  [187_200_000, '2 d 4 h'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('a share of nothing is no number', () => {
  expect([percent(0, 0), percent(1, 3), percent(-1, 2)]).toEqual(['–', '33.3%', '−50%']);
});

test('one of a thing is told from several', () => {
  expect([counted(1, 'text'), counted(2000, 'text')]).toEqual(['1 text', '2,000 texts']);
});

test('a time says its day unless that is today, in UTC', () => {
  const now = Date.UTC(2026, 10, 24, 0, 5);
  expect([recently(now - 60_000, now), recently(now - 360_000, now)]).toEqual(['00:04:00', '2026-11-23 23:59:00']);
});
