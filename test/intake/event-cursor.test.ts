import { ProblemError } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { EventCursor } from '../../services/intake/src/event-cursor.ts';

test('a client has had all up to its cursor, line by line, in the order of the ids and not of their letters', () => {
  const cursor = EventCursor.parse('9-10.3');
  const had = ['8-0.7', '9-9.9', '9-10.3'];
  const next = ['9-10.4', '9-11.0', '10-0.0'];
  const isNew = (id: string): boolean => {
    const [streamId = '', line] = id.split('.');
    return cursor.isBehind(0, { streamId, line: Number(line) });
  };
  expect([...had, ...next].filter(isNew)).toEqual(next);
});

test('a cursor is read as it was written, with the cells that came later', () => {
  const cursor = EventCursor.behind(['5-0']);
  expect([cursor.lastOf(0), cursor.lastOf(1)]).toEqual(['5-0', null]);
  expect(cursor.isBehind(0, { streamId: '5-0', line: 1000 })).toBe(false);
  expect(cursor.isBehind(2, { streamId: '0-1', line: 0 })).toBe(true);

  cursor.move(2, { streamId: '7-1', line: 2 });
  expect(cursor.toString()).toBe('5-0.999999,0-0.0,7-1.2');
  const again = EventCursor.parse(cursor.toString());
  expect(again.toString()).toBe(cursor.toString());
  expect(again.isBehind(1, { streamId: '0-1', line: 0 })).toBe(true);
  expect(again.isBehind(2, { streamId: '7-1', line: 2 })).toBe(false);
});

test.each(['', '5', '5-0', '5-0.1,', 'x5-0.1', '5-0.1x', '5-0.1, 6-0.1', '-1-0.0', '5-0.1234567'])('%j is no cursor', (text) => {
  expect(() => EventCursor.parse(text)).toThrow(ProblemError);
  expect(() => EventCursor.parse(text)).toThrow(/^Last-Event-ID is .*; it must be the id of an event of GET \/v1\/events$/);
});
