import { expect, test } from 'vitest';

import { splitLines } from '../../services/intake/src/split-lines.ts';

async function linesOf(chunks: string[], limit = 100): Promise<[number, string | null, number | null][]> {
  const bytes = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  })();
  const lines: [number, string | null, number | null][] = [];
  for await (const together of splitLines(bytes, limit))
    for (const { number, text, tooLong } of together) lines.push([number, text, tooLong]);
  return lines;
}

test('lines are numbered from 1 however they are cut, blank ones counted and left out', async () => {
  const expected = [
    [1, 'one', null],
    [3, 'three', null],
    [4, 'four', null],
  ];
  expect(await linesOf(['one\n\nthree\nfour'])).toEqual(expected);
  expect(await linesOf('one\n\nthree\nfour\n'.split(''))).toEqual(expected);
  expect(await linesOf(['one\n', '\nthr', 'ee\nfour\n\n\n'])).toEqual(expected);
});

test('a character that is cut between two chunks is whole again', async () => {
  const bytes = Buffer.from('für\n').toString('latin1');
  expect(await linesOf([bytes.slice(0, 2), bytes.slice(2)])).toEqual([[1, 'für', null]]);
});

test('a line that is not UTF-8 has no text, and its neighbours have theirs', async () => {
  expect(await linesOf(['one\nf\xfcr\nthree'])).toEqual([
    [1, 'one', null],
    [2, null, null],
    [3, 'three', null],
  ]);
});

test('a line over the limit is said to be too long, and the next one is whole', async () => {
  expect(await linesOf(['x'.repeat(60), `${'x'.repeat(60)}\nshort\n`])).toEqual([
    [1, '', 100],
    [2, 'short', null],
  ]);
  expect(await linesOf([`${'x'.repeat(100)}\n`])).toEqual([[1, 'x'.repeat(100), null]]);
});

test('short lines of one chunk are handed on together, but not thousands of them', async () => {
  const sizes: number[] = [];
  const chunk = (async function* () {
    yield Buffer.from('x\n'.repeat(600));
  })();
  for await (const together of splitLines(chunk, 100)) sizes.push(together.length);
  expect(sizes).toEqual([256, 256, 88]);
});

test('lines are handed on as they come, while the sender still thinks about the next ones', async () => {
  const request = (async function* () {
    yield Buffer.from('one\ntw');
    await new Promise(() => undefined);
  })();
  const { value } = await splitLines(request, 100).next();
  expect(value).toEqual([{ number: 1, text: 'one', tooLong: null }]);
});

test('a byte order mark before a line is no part of it: files may have been joined', async () => {
  const mark = Buffer.from('\uFEFF').toString('latin1');
  expect(await linesOf([`${mark}{}\n${mark}{}`])).toEqual([
    [1, '{}', null],
    [2, '{}', null],
  ]);
});

test('no bytes are no lines', async () => {
  expect(await linesOf([])).toEqual([]);
  expect(await linesOf(['\n \n'])).toEqual([]);
});
