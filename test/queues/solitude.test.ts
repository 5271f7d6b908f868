import { expect, test } from 'vitest';

import { Solitude } from '../../packages/queues/src/solitude.ts';

/** Enters, and notes its name when it has begun. */
function entrant(solitude: Solitude, begun: string[]) {
  return async (name: string, alone = false): Promise<() => void> => {
    const leave = await solitude.enter(alone);
    begun.push(name);
    return leave;
  };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('steps work together, one under suspicion alone, and those that come later wait for it', async () => {
  const begun: string[] = [];
  const enter = entrant(new Solitude(), begun);
  const [first, second] = await Promise.all([enter('first'), enter('second')]);
  const alone = enter('alone', true);
  const later = enter('later');
  await settled();
  expect(begun).toEqual(['first', 'second']);

  first();
  await settled();
  expect(begun).toEqual(['first', 'second']);
  second();
  const leaveAlone = await alone;
  await settled();
  expect(begun).toEqual(['first', 'second', 'alone']);
  leaveAlone();
  await later;
  expect(begun).toEqual(['first', 'second', 'alone', 'later']);
});

test('two under suspicion work one after the other', async () => {
  const begun: string[] = [];
  const enter = entrant(new Solitude(), begun);
  const leave = await enter('one', true);
  const other = enter('other', true);
  await settled();
  expect(begun).toEqual(['one']);
  leave();
  await other;
  expect(begun).toEqual(['one', 'other']);
});
