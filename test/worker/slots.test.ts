import { getEventListeners } from 'node:events';

import { expect, test } from 'vitest';

import { createSlots } from '../../services/worker/src/slots.ts';

const model = 'openai/low';
const never = () => new AbortController().signal;

test('a model that has just come back gets one call at a time, and more with each round of answers, up to its concurrency', async () => {
  const limits: number[] = [];
  const slots = createSlots((_, limit) => limits.push(limit));
  const answer = () => slots.run(model, 4, never, () => Promise.resolve('answered'));

  await answer();
  slots.beginAnew(model);
  expect(limits).toEqual([1]);

  let most = 0;
  let inFlight = 0;
  const counted = () =>
    slots.run(model, 4, never, async () => {
      most = Math.max(most, (inFlight += 1));
      await new Promise((resolve) => void setImmediate(resolve));
      inFlight -= 1;
      return 'answered';
    });
  await Promise.all([counted(), counted()]);
  expect(most).toBe(1);
  for (let round = 0; round < 20; round += 1) await answer();
  await Promise.all(Array.from({ length: 8 }, counted));
  expect(most).toBe(4);
  expect(limits).toEqual([1, 2, 3, 4]);
});

test('an answer that took too long makes for fewer calls at a time', async () => {
  const limits: number[] = [];
  const slots = createSlots((_, limit) => limits.push(limit));
  await slots.run(model, 10, never, () => Promise.resolve('timeout'));
  expect(limits).toEqual([7]);
});

test('a call whose wait ends, or has ended before, gets its turn beside the one in the only slot', async () => {
  const slots = createSlots(() => undefined);
  const busy = Promise.withResolvers<null>();
  const first = slots.run(model, 1, never, () => busy.promise);
  const waiting = new AbortController();
  let turns = 0;
  const turn = () =>
    slots.run(
      model,
      1,
      () => waiting.signal,
      () => Promise.resolve(void (turns += 1)).then(() => null),
    );

  const second = turn();
  expect(turns).toBe(0);
  waiting.abort();
  await second;
  await turn();
  expect(turns).toBe(2);
  // A signal that somebody listens to is kept for good.
  expect(getEventListeners(waiting.signal, 'abort')).toEqual([]);

  busy.resolve(null);
  await first;
});

test('a model that nobody has called yet begins with its concurrency, also when it has just come back', async () => {
  const limits: number[] = [];
  const slots = createSlots((_, limit) => limits.push(limit));
  slots.beginAnew(model);
  await slots.run(model, 4, never, () => Promise.resolve(null));
  expect(limits).toEqual([]);
});
