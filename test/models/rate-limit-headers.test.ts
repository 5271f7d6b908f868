import { heardLimits } from '@upshift/models';
import type { HeardLimit } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';

const NOON = Date.UTC(2026, 10, 25, 12);
const heard = (headers: Record<string, string>) => heardLimits(new Headers(headers), NOON);

test("OpenAI's limits are read, with their durations", () => {
  expect(
    heard({
      'x-ratelimit-limit-requests': '500',
      'x-ratelimit-remaining-requests': '20',
      'x-ratelimit-reset-requests': '1m2.5s',
      'x-ratelimit-limit-tokens': '30000',
      'x-ratelimit-remaining-tokens': '29000',
      'x-ratelimit-reset-tokens': '20ms',
    }),
  ).toEqual([
    { unit: 'requests', limit: 500, remaining: 20, resetMs: 62_500 },
    { unit: 'tokens', limit: 30_000, remaining: 29_000, resetMs: 20 },
  ]);
});

test("Anthropic's limits are read, with their times, and of those of tokens the scarcest counts", () => {
  const limit = (unit: string, limited: number, remaining: number) => ({
    [`anthropic-ratelimit-${unit}-limit`]: String(limited),
    [`anthropic-ratelimit-${unit}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${unit}-reset`]: '2026-11-25T12:00:30Z',
  });
  expect(
    heard({ ...limit('requests', 50, 49), ...limit('tokens', 50_000, 40_000), ...limit('output-tokens', 10_000, 100) }),
  ).toEqual([
    { unit: 'requests', limit: 50, remaining: 49, resetMs: 30_000 },
    { unit: 'tokens', limit: 10_000, remaining: 100, resetMs: 30_000 },
  ]);
  expect(heard({ ...limit('tokens', 50_000, 40_000), ...limit('input-tokens', 40_000, 0) })).toEqual([
    { unit: 'tokens', limit: 40_000, remaining: 0, resetMs: 30_000 },
  ]);
});

test('a time that has passed is now', () => {
  expect(
    heard({
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '50',
      'anthropic-ratelimit-requests-reset': '2026-11-25T11:59:59Z',
    }),
  ).toEqual([{ unit: 'requests', limit: 50, remaining: 50, resetMs: 0 }]);
});

test.each([
  {},
  { limit: '0', remaining: '0', reset: '1s' },
  { limit: '10', remaining: '-1', reset: '1s' },
  { limit: '10', remaining: '11', reset: '1s' },
  { limit: '10', remaining: 'many', reset: '1s' },
  { limit: '1e9', remaining: '1', reset: '1s' },
  { limit: '10', remaining: '1', reset: '' },
  { limit: '10', remaining: '1', reset: 'soon' },
  { limit: '10', remaining: '1', reset: '400d' },
])('what makes no sense is not heard: %o', (said: Record<string, string>) => {
  expect(heard(Object.fromEntries(Object.entries(said).map(([name, value]) => [`x-ratelimit-${name}-requests`, value])))).toEqual(
    [],
  );
});

const said = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '3', 'x-ratelimit-reset-requests': '57s' };
const expected = [{ unit: 'requests', limit: 60, remaining: 3, resetMs: 57_000 }];

test.each(setups.map((setup) => [setup.name, setup] as const))(
  '%s: the limits are told with an answer and with an error',
  async (_, setup) => {
    let status = 200;
    const server = await startFakeServer((_call, response) => {
      const type = status === 200 ? setup.stream.contentType : 'application/json';
      response.writeHead(status, { ...said, 'content-type': type }).end(status === 200 ? setup.stream.frames.join('') : '{}');
    });
    const told: HeardLimit[][] = [];
    const call = () => callModel(setup, server.url, chatInput('Hello.'), { onLimits: (limits) => told.push(limits) });

    expect((await call()).text).toBe('ok');
    status = 429;
    expect(await callErrorOf(call())).toMatchObject({ code: 'rate_limited' });

    expect(told).toEqual([expected, expected]);
    await server.close();
  },
);
