import { adaptLimit } from '@upshift/routing';
import { expect, test } from 'vitest';

const many = (times: number, start: number, step: (limit: number) => number): number =>
  Array.from({ length: times }).reduce<number>((limit) => step(limit), start);

test('a busy provider gets fewer calls at a time, and never none', () => {
  expect(adaptLimit(10, 10, 'overloaded')).toBe(7);
  expect(adaptLimit(10, 10, 'rate_limited')).toBe(7);
  expect(many(50, 10, (limit) => adaptLimit(limit, 10, 'timeout'))).toBe(1);
});

test('answers bring the limit back, never above the model’s concurrency', () => {
  expect(many(100, 1, (limit) => adaptLimit(limit, 8, 'answered'))).toBe(8);
  expect(Math.floor(many(8, 7, (limit) => adaptLimit(limit, 8, 'answered')))).toBe(8);
});

test('faults of the job or of its own make no difference', () => {
  for (const code of ['invalid_request', 'aborted', 'circuit_open', 'provider_denied'] as const)
    expect(adaptLimit(5, 10, code)).toBe(5);
});
