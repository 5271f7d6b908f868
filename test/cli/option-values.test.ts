import { expect, test } from 'vitest';

import { keyText, portNumber, positiveUsd, targetShare, time, wholeNumber } from '../../services/cli/src/option-values.ts';

test('a time is a day or a moment that there is, as ISO 8601 writes it', () => {
  expect(time('2026-11-23')).toBe(Date.UTC(2026, 10, 23));
  expect(time('2026-11-23T12:00:00Z')).toBe(Date.UTC(2026, 10, 23, 12));
  expect(time('2026-11-23T12:00:00+02:00')).toBe(Date.UTC(2026, 10, 23, 10));
  expect(time('2026-11-23T12:00Z')).toBe(Date.UTC(2026, 10, 23, 12));
  expect(time('2026-11-23T12:00+02:00')).toBe(Date.UTC(2026, 10, 23, 10));
  expect(time('2026-11-23T12:00')).toBe(new Date(2026, 10, 23, 12).getTime());
  for (const text of ['', '7', '2026', '2026-02-31', '7 days', '11/12/2026']) expect(() => time(text)).toThrow('2026-11-23');
});

test('no port is not any port', () => {
  expect(['0', '65500'].map(portNumber)).toEqual([0, 65_500]);
  for (const text of ['', ' ', '-1', '65501', '80.5', 'http']) expect(() => portNumber(text)).toThrow('whole number');
});

test.each<[string, (text: string) => unknown, good: string[], bad: string[]]>([
  ['a share is a number above 0', targetShare, ['0.01', '1'], ['', '0', '1.01', 'half']],
  ['an amount of USD is a number above 0', positiveUsd, ['0.000001', '5'], ['', '0', '-1', 'Infinity', 'much']],
  ['a number of jobs is a whole number from 1', wholeNumber('jobs'), ['1', '1000'], ['', '0', '1.5', 'Infinity', 'many']],
])('%s', (words, read, good, bad) => {
  expect(good.map(read)).toEqual(good.map(Number));
  for (const text of bad) expect(() => read(text)).toThrow(words);
});

test('a key is what a header can carry: of another one the client would say that nothing answers', () => {
  expect(keyText('order 42')).toBe('order 42');
  for (const text of ['', 'é', '日本', 'a\nb', 'x'.repeat(256)]) expect(() => keyText(text)).toThrow('1 to 255 printable ASCII');
});
