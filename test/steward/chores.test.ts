import { getEventListeners } from 'node:events';

import { createLogger } from '@upshift/runtime';
import { expect, test, vi } from 'vitest';

import { createChores, takeTurns } from '../../services/steward/src/chores.ts';

const logger = createLogger('test', 'silent');

/** A chore that is due at each turn, and notes the subjects it ran for. */
function choreOf(name: string, run: () => Promise<unknown> = async () => undefined) {
  const ranFor: string[] = [];
  const chore = { name, everyMs: 0, run: (subject: string) => (ranFor.push(subject), run()) };
  return { chore, ranFor };
}

test('a chore that takes long, as reconciling a backlog does, neither delays the others nor is begun twice', async () => {
  const backlog = Promise.withResolvers<void>();
  const slow = choreOf('reconcile', () => backlog.promise);
  const quick = choreOf('expire jobs');
  const chores = createChores(logger);
  await vi.waitFor(() => {
    chores.start('cell 0', [slow.chore, quick.chore], 'first');
    expect(quick.ranFor.length).toBeGreaterThan(2);
  });
  expect(slow.ranFor).toEqual(['first']);
  chores.start('cell 1', [slow.chore], 'second');
  expect(slow.ranFor).toEqual(['first', 'second']);
  backlog.resolve();
  await chores.ended();
  chores.start('cell 0', [slow.chore], 'first');
  expect(slow.ranFor).toEqual(['first', 'second', 'first']);
});

test('a chore that fails has its next turn all the same', async () => {
  const failing = choreOf('forget jobs', () => Promise.reject(new Error('Redis is away')));
  const chores = createChores(logger);
  chores.start('cell 0', [failing.chore], 'first');
  await chores.ended();
  chores.start('cell 0', [failing.chore], 'first');
  expect(failing.ranFor).toHaveLength(2);
  await chores.ended();
});

test('a chore is not due before its time', async () => {
  const { chore, ranFor } = choreOf('retire cells');
  const chores = createChores(logger);
  for (let turn = 0; turn < 3; turn += 1) {
    chores.start('all cells', [{ ...chore, everyMs: 60_000 }], 'all');
    await chores.ended();
  }
  expect(ranFor).toEqual(['all']);
});

test('turns leave nothing behind at the signal that ends them, however many there were', async () => {
  const stopping = new AbortController();
  const listeners: number[] = [];
  await takeTurns(logger, 1, stopping.signal, async () => {
    if (listeners.push(getEventListeners(stopping.signal, 'abort').length) === 20) stopping.abort();
  });
  expect(Math.max(...listeners)).toBe(0);
});

test('a turn that fails says why, and the next one is taken', async () => {
  const stopping = new AbortController();
  const said: unknown[] = [];
  let turns = 0;
  await takeTurns({ error: (words: unknown) => void said.push(words) }, 1, stopping.signal, async () => {
    if ((turns += 1) > 1) return stopping.abort();
    throw new Error("NOPERM this user has no permissions to run the 'eval' command");
  });
  expect(said).toEqual([{ reason: "Error: NOPERM this user has no permissions to run the 'eval' command" }]);
});

test('a turn that goes on failing says so once a minute, and another reason at once', async () => {
  const stopping = new AbortController();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  const said: unknown[] = [];
  let turns = 0;
  await takeTurns({ error: (words: unknown) => void said.push(words) }, 1, stopping.signal, async () => {
    turns += 1;
    if (turns === 5) clock.mockReturnValue(60_000);
    if (turns === 7) stopping.abort();
    throw new Error(turns < 6 ? 'OOM' : 'READONLY');
  });
  clock.mockRestore();
  expect(said).toEqual(['OOM', 'OOM', 'READONLY'].map((reason) => ({ reason: `Error: ${reason}` })));
});

test('a chore that goes on failing says so once, and another one for itself', async () => {
  const said: unknown[] = [];
  const chores = createChores({ error: (words: unknown) => void said.push(words) });
  const failing = ['forget jobs', 'expire jobs'].map((name) => choreOf(name, () => Promise.reject(new Error('OOM'))).chore);
  for (let turn = 0; turn < 3; turn += 1) {
    chores.start('cell 0', failing, 'first');
    await chores.ended();
  }
  expect(said).toEqual(failing.map(({ name }) => ({ chore: `cell 0: ${name}`, reason: 'Error: OOM' })));
});

test('a clock that is set back keeps no chore waiting', async () => {
  const { chore, ranFor } = choreOf('expire jobs');
  const chores = createChores(logger);
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  chores.start('cell 0', [chore], 'first');
  await chores.ended();
  clock.mockRestore();
  chores.start('cell 0', [chore], 'first');
  expect(ranFor).toHaveLength(2);
  await chores.ended();
});
