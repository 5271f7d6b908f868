import { expect, test } from 'vitest';

import { portNumber, time } from '../../services/cli/src/option-values.ts';

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
  expect(portNumber('0')).toBe(0);
  for (const text of ['', ' ']) expect(() => portNumber(text)).toThrow('whole number');
});
