import { afterEach, expect, test, vi } from 'vitest';

import { keptFor } from '../../services/console/src/kept-for.ts';

afterEach(() => void vi.useRealTimers());

test('what is kept is read once for all who ask within its time, and anew after it', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['Date'] });
  let readings = 0;
  const ask = keptFor(1000, async () => (readings += 1));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  vi.setSystemTime(999);
  expect(await ask()).toBe(1);
  vi.setSystemTime(1000);
  expect(await ask()).toBe(2);
});

test('a reading that failed fails those who waited for it, and is not kept', async () => {
  const answers = [Promise.reject(new Error('Redis is away')), Promise.resolve('there')];
  const ask = keptFor(1000, () => answers.shift()!);
  const failed = { status: 'rejected', reason: new Error('Redis is away') };
  expect(await Promise.allSettled([ask(), ask()])).toEqual([failed, failed]);
  expect(await ask()).toBe('there');
});
