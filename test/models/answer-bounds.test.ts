import { expect, test } from 'vitest';

import { AnswerInspector, badHeaders, longestAnswerBytes } from '../../packages/models/src/answer-bounds.ts';
import { chatInput } from './conformance.ts';

const [euro, letter] = [Buffer.from('€'), Buffer.from('x')];

/** What is wrong with an answer that comes in these parts. */
const faultOf = (longestBytes: number, parts: Buffer[], status = 200): string | null => {
  const inspector = new AnswerInspector(longestBytes);
  for (const part of [...parts, null]) {
    const fault = inspector.see(part, status);
    if (fault !== null) return fault;
  }
  return null;
};

test.each<[string, Buffer[], fault: string | null]>([
  ['of no bytes', [], null],
  ['that fills its bounds', [euro, letter], null],
  ['that is longer', [euro, letter, letter], 'more than 4 bytes'],
  ['with a character in two parts', [euro.subarray(0, 1), euro.subarray(1)], null],
  ['with whole characters after one in two parts', [euro.subarray(0, 2), euro.subarray(2), letter], null],
  ['that breaks off in a character', [letter, euro.subarray(0, 2)], 'invalid UTF-8'],
  ['with a character that never goes on', [euro.subarray(0, 2), letter], 'invalid UTF-8'],
  ['that is no text', [Buffer.from([0xff])], 'invalid UTF-8'],
])('an answer %s', (_, parts, fault) => expect(faultOf(4, parts)).toBe(fault));

test('an error is bounded too, and may be no text', () => {
  expect(faultOf(1, [Buffer.from([0xff])], 400)).toBe(null);
  expect(faultOf(1, [letter, letter], 400)).toBe('more than 1 bytes');
});

test('an honest answer has room for its tokens, or for a vector of each text', () => {
  const room = [0, 100].map((tokens) => longestAnswerBytes(chatInput('x'), tokens));
  expect(room[1]! - room[0]!).toBe(100 * 1024);
  const texts = (count: number) => longestAnswerBytes({ texts: Array<string>(count).fill('x') }, 0);
  expect(texts(3) - texts(1)).toBe(200_000);
});

test.each<[status: number, headers: Record<string, string>, fault: string | null]>([
  [200, {}, null],
  [200, { 'content-type': 'application/json; charset=utf-8', 'content-encoding': 'identity' }, null],
  [200, { 'content-type': 'Text/Event-Stream' }, null],
  [200, { 'content-type': 'text/html; charset=utf-8' }, 'content-type text/html'],
  [399, { 'content-type': 'xapplication/json' }, 'content-type xapplication/json'],
  [400, { 'content-type': 'text/html' }, null],
  [399, { 'content-encoding': 'gzip' }, 'content-encoding gzip, which was not asked for'],
  [400, { 'content-encoding': 'gzip' }, null],
])('of an answer with status %d and %j is wrong: %s', (status, headers, fault) => {
  expect(badHeaders(status, new Headers(headers))).toBe(fault);
});
