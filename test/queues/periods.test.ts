import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { cellOfKey, cellsAt, earlierCells, mostCells, parsePeriods } from '../../packages/queues/src/cells/periods.ts';

const hashes = fc.string().map((text) => createHash('sha256').update(text).digest('hex'));
const periods = fc
  .uniqueArray(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 4 })
  .map((numbers) => numbers.map((cells, index) => ({ cells, since: index * 1000 })));

test('where nobody has said a number there is one cell', () => {
  expect(parsePeriods([])).toEqual([{ cells: 1, since: 0 }]);
  expect(parsePeriods(['1', '0', '4', '1700'])).toEqual([
    { cells: 1, since: 0 },
    { cells: 4, since: 1700 },
  ]);
});

test('a change holds from its time on, and all cells are known before', () => {
  const raised = parsePeriods(['1', '0', '4', '1700']);
  expect([1699, 1700].map((now) => cellsAt(raised, now))).toEqual([1, 4]);
  expect(mostCells(raised)).toBe(4);
});

test('a key belongs to one of the cells, and a thousand keys to all of them about equally', () => {
  const counts = Array.from({ length: 4 }, () => 0);
  for (let key = 0; key < 1000; key += 1) counts[cellOfKey(createHash('sha256').update(String(key)).digest('hex'), 4)]! += 1;
  for (const count of counts) expect(count).toBeGreaterThan(200);
  fc.assert(fc.property(hashes, fc.integer({ min: 1, max: 16 }), (hash, cells) => cellOfKey(hash, cells) < cells));
});

test('whatever the numbers were, the cell that a key had at a time is still looked into until its claim is forgotten', () => {
  const keptMs = 2500;
  fc.assert(
    fc.property(periods, hashes, fc.nat(5000), fc.nat(keptMs - 1), (known, hash, acceptedAt, laterMs) => {
      const cell = cellOfKey(hash, cellsAt(known, acceptedAt));
      const now = acceptedAt + laterMs;
      const current = cellOfKey(hash, cellsAt(known, now));
      expect([current, ...earlierCells(known, hash, now, keptMs)]).toContain(cell);
    }),
  );
});

test('a cell is not looked into for longer than claims are kept, and the current one not twice', () => {
  const lowered = parsePeriods(['4', '0', '1', '1000']);
  const hash = 'f'.repeat(64);
  expect(earlierCells(lowered, hash, 1999, 1000)).toEqual([3]);
  expect(earlierCells(lowered, hash, 2000, 1000)).toEqual([]);
  expect(earlierCells(lowered, '0'.repeat(64), 1500, 1000)).toEqual([]);
});

test('where the number goes back to an earlier one, the cells of that one are looked into before it holds again', () => {
  const now = 20_000;
  const goingBack = [
    { cells: 4, since: 1000 },
    { cells: 2, since: now + 5000 },
  ];
  const hash = '00000003'.padEnd(64, '0');
  expect([cellsAt(goingBack, now), cellOfKey(hash, 4), cellOfKey(hash, 2)]).toEqual([4, 3, 1]);
  expect(earlierCells(goingBack, hash, now, 60_000)).toEqual([1]);
});
