import { ModelCallError } from '@upshift/contracts';
import type { CallErrorCode } from '@upshift/contracts';
import { createCircuits } from '@upshift/models';
import type { CircuitChange, Circuits } from '@upshift/models';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { callErrorOf } from './conformance.ts';

const modelId = 'openai/gpt-6-luna';
const restMs = 10_000;
let circuits: Circuits;
let changes: CircuitChange[];

beforeEach(() => {
  vi.useFakeTimers();
  changes = [];
  circuits = createCircuits({ onChange: (change) => changes.push(change) });
});
afterEach(() => {
  circuits.close();
  vi.useRealTimers();
});

function fault(code: CallErrorCode): ModelCallError {
  return new ModelCallError({
    code,
    message: code,
    retryable: true,
    retryAfterMs: null,
    maybeBilled: false,
    provider: 'openai',
    status: null,
    requestId: null,
  });
}

const fail = (code: CallErrorCode = 'overloaded') => callErrorOf(circuits.run(modelId, () => Promise.reject(fault(code))));
const succeed = () => circuits.run(modelId, () => Promise.resolve('answer'));

async function failTimes(times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await fail();
}

/** A call whose end the test decides. */
function pendingCall(): { call: Promise<unknown>; resolve: (value: string) => void; reject: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { call: circuits.run(modelId, () => promise), resolve, reject };
}

test('a closed set of circuits leaves no timer, also of one that has opened and closed meanwhile', async () => {
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  await succeed();
  await failTimes(5);
  circuits.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a closed circuit passes answers and errors on', async () => {
  expect(await succeed()).toBe('answer');
  expect(await fail('rate_limited')).toMatchObject({ code: 'rate_limited' });
  expect(circuits.state(modelId)).toBe('closed');
  expect(changes).toEqual([]);
});

test('four failures leave the circuit closed, the fifth opens it', async () => {
  await failTimes(4);
  expect(circuits.state(modelId)).toBe('closed');
  await failTimes(1);
  expect(circuits.state(modelId)).toBe('open');
  expect(changes).toEqual([{ modelId, state: 'open', openUntilMs: Date.now() + restMs }]);
});

test('an open circuit refuses without calling, and says how long', async () => {
  await failTimes(5);
  vi.advanceTimersByTime(4_000);
  let called = false;
  const action = (): Promise<boolean> => Promise.resolve((called = true));
  expect(await callErrorOf(circuits.run(modelId, action))).toMatchObject({
    code: 'circuit_open',
    provider: 'openai',
    maybeBilled: false,
    retryable: true,
    retryAfterMs: restMs - 4_000,
  });
  expect(called).toBe(false);
});

test('one model’s circuit leaves the others alone', async () => {
  await failTimes(5);
  expect(await circuits.run('openai/gpt-6.1-sol', () => Promise.resolve('answer'))).toBe('answer');
  expect(circuits.state('openai/gpt-6.1-sol')).toBe('closed');
});

test('a sudden death is seen at once, however many calls went well before', async () => {
  for (let count = 0; count < 200; count += 1) await succeed();
  await failTimes(4);
  expect(circuits.state(modelId)).toBe('closed');
  await failTimes(1);
  expect(circuits.state(modelId)).toBe('open');
});

test('half of the calls may fail', async () => {
  for (let count = 0; count < 20; count += 1) {
    await succeed();
    await fail();
  }
  expect(circuits.state(modelId)).toBe('closed');
});

test('more than half of them open the circuit, whatever succeeds between, and after it was closed again no less', async () => {
  for (const outage of [1, 2]) {
    await failTimes(3);
    await succeed();
    await failTimes(1);
    expect([outage, circuits.state(modelId)]).toEqual([outage, 'open']);
    vi.advanceTimersByTime(restMs);
    await succeed();
    expect([outage, circuits.state(modelId)]).toEqual([outage, 'closed']);
  }
});

test.each<CallErrorCode>(['overloaded', 'provider_error', 'timeout', 'connection_failed', 'model_not_found', 'provider_denied'])(
  '%s opens the circuit',
  async (code) => {
    for (let count = 0; count < 5; count += 1) await fail(code);
    expect(circuits.state(modelId)).toBe('open');
  },
);

test('slow calls that all fail open the circuit, longer than the window though they take', async () => {
  const calls = Array.from({ length: 5 }, pendingCall);
  vi.advanceTimersByTime(300_000);
  for (const { call, reject } of calls) {
    reject(fault('timeout'));
    await callErrorOf(call);
  }
  expect(circuits.state(modelId)).toBe('open');
});

test('failures are forgotten after the window', async () => {
  await failTimes(4);
  vi.advanceTimersByTime(121_000);
  await failTimes(4);
  expect(circuits.state(modelId)).toBe('closed');
});

test.each<CallErrorCode>(['invalid_request', 'context_too_long', 'aborted', 'provider_off'])(
  '%s never opens the circuit',
  async (code) => {
    for (let count = 0; count < 20; count += 1) await fail(code);
    expect(circuits.state(modelId)).toBe('closed');
  },
);

test('client faults do not dilute the failures', async () => {
  for (let count = 0; count < 20; count += 1) await fail('invalid_request');
  await failTimes(5);
  expect(circuits.state(modelId)).toBe('open');
});

test('a bug passes through and does not count', async () => {
  for (let count = 0; count < 20; count += 1) {
    await expect(circuits.run(modelId, () => Promise.reject(new RangeError('bug')))).rejects.toThrow(RangeError);
  }
  expect(circuits.state(modelId)).toBe('closed');
});

test('after its rest the circuit lets one call through at a time', async () => {
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  expect(circuits.state(modelId)).toBe('half_open');

  const probe = pendingCall();
  const other = await callErrorOf(succeed());
  expect(other.code).toBe('circuit_open');
  expect(other.retryAfterMs).toBeGreaterThan(0);
  probe.resolve('answer');
  await probe.call;
  expect(circuits.state(modelId)).toBe('closed');
  expect(changes.map(({ state }) => state)).toEqual(['open', 'half_open', 'closed']);
});

test('a failed probe opens the circuit again for a whole rest', async () => {
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  await failTimes(1);
  expect(circuits.state(modelId)).toBe('open');
  expect(changes.at(-1)).toEqual({ modelId, state: 'open', openUntilMs: Date.now() + restMs });
});

test('each rest has its own probe: after a failed one, and in the next outage', async () => {
  await failTimes(5);
  for (const probe of [fail, succeed]) {
    vi.advanceTimersByTime(restMs);
    await probe();
  }
  expect(circuits.state(modelId)).toBe('closed');
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  expect(await succeed()).toBe('answer');
});

test.each<CallErrorCode>(['invalid_request', 'context_too_long', 'aborted', 'provider_off'])(
  'a probe that ends with %s leaves the circuit half open, and the next call probes',
  async (code) => {
    await failTimes(5);
    vi.advanceTimersByTime(restMs);
    await fail(code);
    expect(circuits.state(modelId)).toBe('half_open');
    await fail();
    expect(circuits.state(modelId)).toBe('open');
  },
);

test('a success from before the circuit opened does not close it', async () => {
  const old = pendingCall();
  await failTimes(5);
  old.resolve('late');
  expect(await old.call).toBe('late');
  expect(circuits.state(modelId)).toBe('open');
});

test('an old success during the probe does not close it, and an old failure does not end the probe', async () => {
  const oldSuccess = pendingCall();
  const oldFailure = pendingCall();
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  const probe = pendingCall();

  oldSuccess.resolve('late');
  await oldSuccess.call;
  oldFailure.reject(fault('timeout'));
  await callErrorOf(oldFailure.call);
  expect(circuits.state(modelId)).toBe('half_open');
  expect((await callErrorOf(succeed())).code).toBe('circuit_open');

  probe.resolve('answer');
  await probe.call;
  expect(circuits.state(modelId)).toBe('closed');
});

test('a closed circuit starts with clean statistics', async () => {
  await failTimes(5);
  vi.advanceTimersByTime(restMs);
  await succeed();
  await failTimes(1);
  expect(circuits.state(modelId)).toBe('closed');
});

test('answers that are too slow open the circuit, and are given', async () => {
  const slow = async (): Promise<string> => {
    vi.advanceTimersByTime(3000);
    return 'late';
  };
  for (let count = 0; count < 5; count += 1) expect(await circuits.run(modelId, slow, 2000)).toBe('late');
  expect(circuits.state(modelId)).toBe('open');
});

test('calls that are given up when they are too slow already open the circuit, sooner they do not', async () => {
  const givenUp = (afterMs: number) => async (): Promise<string> => {
    vi.advanceTimersByTime(afterMs);
    throw fault('aborted');
  };
  for (const [afterMs, state] of [
    [2000, 'closed'],
    [2001, 'open'],
  ] as const) {
    for (let count = 0; count < 5; count += 1) await callErrorOf(circuits.run(modelId, givenUp(afterMs), 2000));
    expect(circuits.state(modelId)).toBe(state);
  }
});

test('what another process saw holds here too, until one call succeeds', async () => {
  circuits.hear(modelId, Date.now() + 5000);
  expect(circuits.state(modelId)).toBe('open');
  expect(await callErrorOf(succeed())).toMatchObject({ code: 'circuit_open', retryAfterMs: 5000 });

  vi.advanceTimersByTime(5000);
  const probe = pendingCall();
  expect((await callErrorOf(succeed())).code).toBe('circuit_open');
  probe.resolve('answer');
  await probe.call;
  expect(circuits.state(modelId)).toBe('closed');
});

test('word of an outage that is over changes nothing, and earlier word shortens nothing', async () => {
  circuits.hear(modelId, Date.now() - 1);
  expect(circuits.state(modelId)).toBe('closed');
  circuits.hear(modelId, Date.now() + 5000);
  circuits.hear(modelId, Date.now() + 1000);
  vi.advanceTimersByTime(4999);
  expect(circuits.state(modelId)).toBe('open');
});

test('a success from before another process spoke does not close what was heard of', async () => {
  const old = pendingCall();
  await vi.advanceTimersByTimeAsync(0);
  circuits.hear(modelId, Date.now() + 5000);
  old.resolve('late');
  await old.call;
  expect(circuits.state(modelId)).toBe('open');
});

test('a circuit that was heard of stays half open while its probes fail', async () => {
  circuits.hear(modelId, Date.now() + 5000);
  vi.advanceTimersByTime(5000);
  await fail();
  expect(circuits.state(modelId)).toBe('half_open');
});

test('only who may probe does, and says when the probe has ended', async () => {
  let othersProbe = true;
  let hasEnded = false;
  const held = createCircuits({
    onChange: () => undefined,
    mayProbe: async () => (othersProbe ? null : () => void (hasEnded = true)),
  });
  held.hear(modelId, Date.now() + 5000);
  vi.advanceTimersByTime(5000);
  const call = () => held.run(modelId, async () => (hasEnded ? 'too late' : 'answer'));

  expect((await callErrorOf(call())).code).toBe('circuit_open');
  othersProbe = false;
  expect(await call()).toBe('answer');
  expect(hasEnded).toBe(true);
  held.close();
});

test('where nobody can be asked who may probe the process goes by its own circuit', async () => {
  const alone = createCircuits({ onChange: () => undefined, mayProbe: () => Promise.reject(new Error('Redis is away')) });
  alone.hear(modelId, Date.now() + 5000);
  vi.advanceTimersByTime(5000);
  expect(await alone.run(modelId, () => Promise.resolve('answer'))).toBe('answer');
  alone.close();
});

test('where nobody says in time who may probe the process goes by its own circuit, and gives the right back if it comes', async () => {
  const right = Promise.withResolvers<() => void>();
  const slow = createCircuits({ onChange: () => undefined, mayProbe: () => right.promise });
  slow.hear(modelId, Date.now() + 5000);
  vi.advanceTimersByTime(5000);
  const call = slow.run(modelId, () => Promise.resolve('answer'));
  await vi.advanceTimersByTimeAsync(500);
  expect(await call).toBe('answer');
  const ended = Promise.withResolvers<string>();
  right.resolve(() => ended.resolve('given back'));
  expect(await ended.promise).toBe('given back');
  slow.close();
});

test('a circuit that was heard of tells when it is closed again, so that the traffic can come back step by step', async () => {
  circuits.hear(modelId, Date.now() + 5000);
  vi.advanceTimersByTime(5000);
  await succeed();
  expect(changes).toEqual([{ modelId, state: 'closed', openUntilMs: null }]);
});

describe('what this process sleeps away is held against no model', () => {
  /** As heavy computing does it: no timer fires meanwhile. */
  function block(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
  }

  test.each<[CallErrorCode, string]>([
    ['timeout', 'closed'],
    ['connection_failed', 'closed'],
    ['overloaded', 'open'],
  ])('after %s the circuit is %s', async (code, state) => {
    for (let count = 0; count < 5; count += 1) {
      const { call, reject } = pendingCall();
      await vi.advanceTimersByTimeAsync(0);
      block(2000);
      reject(fault(code));
      await callErrorOf(call);
    }
    expect(circuits.state(modelId)).toBe(state);
  });

  test('not the slowness of an answer', async () => {
    for (let count = 0; count < 10; count += 1) await circuits.run(modelId, async () => block(2000), 1000);
    expect(circuits.state(modelId)).toBe('closed');
  });

  test('but a timeout of which it slept away little is', async () => {
    for (let count = 0; count < 5; count += 1) {
      const { call, reject } = pendingCall();
      await vi.advanceTimersByTimeAsync(0);
      block(300);
      vi.advanceTimersByTime(2000);
      reject(fault('timeout'));
      await callErrorOf(call);
    }
    expect(circuits.state(modelId)).toBe('open');
  });
});
