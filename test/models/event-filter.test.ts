import { expect, test } from 'vitest';

import { EventFilter } from '../../packages/models/src/event-filter.ts';

const stream = [
  'event: delta\ndata: {"text":"a"}\n\n',
  'data: no name\n\n',
  ': a comment\n\n',
  'event: end\r\ndata: {"text":"ä€😀"}\n\n',
  'event: delta\ndata: 1\n\n',
  'event: error\ndata: {}\n\n',
].join('');
const kept = 'data: no name\n\n: a comment\n\nevent: end\r\ndata: {"text":"ä€😀"}\n\nevent: error\ndata: {}\n\n';

function filtered(text: string, size: number): string {
  const filter = new EventFilter((name) => name !== 'delta');
  const bytes = Buffer.from(text);
  const parts: (Buffer | null)[] = [];
  for (let start = 0; start < bytes.length; start += size) parts.push(filter.see(bytes.subarray(start, start + size)));
  return Buffer.concat([...parts, filter.end()].flatMap((part) => part ?? [])).toString();
}

test('what is not needed goes, all else stays byte for byte, however the stream is cut', () => {
  for (let size = 1; size <= Buffer.byteLength(stream); size += 1) expect(filtered(stream, size)).toBe(kept);
});

test('what comes after the last whole event stays, needed or not', () => {
  expect(filtered(`${stream}event: delta\ndata: {"te`, 7)).toBe(`${kept}event: delta\ndata: {"te`);
});

test('a stream that ends its lines with CR and LF is filtered like any other', () => {
  const [given, left] = [stream, kept].map((text) => text.replaceAll(/\r?\n/g, '\r\n'));
  for (let size = 1; size <= Buffer.byteLength(given!); size += 1) expect(filtered(given!, size)).toBe(left);
});

test('a name that is longer than any of ours is judged by its beginning', () => {
  expect(filtered(`event: ${'delta'.repeat(40)}\ndata: 1\n\n`, 1000)).toContain('data: 1');
});
