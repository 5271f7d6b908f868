import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { figureOf } from './figure.ts';

const samples = [6, 4, 9, 5, 3].map((value) => ({ value: value * 10, reference: 10 }));

test('a figure is its median round, with value and reference of that round, and the ratios of all', () => {
  expect(figureOf('pipeline', 'jobs/s', samples, { at: 'least', ratio: 5, stretch: 9 })).toEqual({
    name: 'pipeline',
    value: 50,
    unit: 'jobs/s',
    reference: 10,
    ratio: 5,
    goal: '≥ 5',
    stretch: '≥ 9',
    ok: true,
    min: 3,
    max: 9,
  });
});

test.each([
  ['least', 5.1, false],
  ['least', 5, true],
  ['most', 5, true],
  ['most', 4.9, false],
] as const)('a ratio of 5 where it may be at %s %d is met: %s', (at, ratio, ok) => {
  expect(figureOf('any', 'ms', samples, { at, ratio })).toMatchObject({ ok, stretch: null });
});

test('every figure that the documentation names can be asked for by its name', () => {
  const documentation = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  const named = Array.from(documentation.matchAll(/^\| `(\w+)`/gm), ([, name]) => name);
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8' });
  const asked = /one figure, .*?: (.*)/.exec(stdout)?.[1]?.split(', ') ?? [];
  expect(named.length).toBeGreaterThan(9);
  expect(named.filter((name) => !asked.includes(name!))).toEqual([]);
});
