import { createFailureLog } from '@upshift/runtime';
import { expect, test, vi } from 'vitest';

test('each failure is said once a minute, also where two take turns', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  const said: unknown[] = [];
  const sayFailure = createFailureLog((fields, what) => void said.push([what, fields]));
  const refused = new Error('connect ECONNREFUSED');
  const failures = (): void => {
    for (const queue of ['classify', 'score']) sayFailure('worker', { queue }, refused);
    sayFailure('worker', { queue: 'score' }, new Error('Connection is closed.'));
  };
  const lines = [
    ['worker', { queue: 'classify', reason: 'Error: connect ECONNREFUSED' }],
    ['worker', { queue: 'score', reason: 'Error: connect ECONNREFUSED' }],
    ['worker', { queue: 'score', reason: 'Error: Connection is closed.' }],
  ];
  for (const atMs of [0, 1000, 59_999]) {
    clock.mockReturnValue(atMs);
    failures();
  }
  expect(said).toEqual(lines);
  clock.mockReturnValue(60_000);
  failures();
  clock.mockRestore();
  expect(said).toEqual([...lines, ...lines]);
});
