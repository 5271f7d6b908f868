import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import type { FaultRule } from '../sandbox/faults.ts';
import { startSandbox } from '../sandbox/server.ts';
import type { Sandbox } from '../sandbox/server.ts';
import { callErrorOf, callModel, chatInput, describeAnswers } from './conformance.ts';
import type { Backend, TaughtAnswer } from './conformance.ts';
import { forwardTo, startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

/** The provider sandbox, behind a server that keeps what was received. */
async function startSandboxBackend(): Promise<Backend> {
  const sandbox = await startSandbox();
  const { url, calls, close } = await startFakeServer(forwardTo(sandbox.url));
  return {
    url,
    calls,
    teach: (prompt, answer) => teach(sandbox, prompt, answer),
    close: () => Promise.all([close(), sandbox.close()]).then(() => undefined),
  };
}

function teach(
  sandbox: Sandbox,
  prompt: string,
  { text, toolCalls, finishReason, inputTokens, outputTokens }: TaughtAnswer,
): void {
  const answer = { text, ...(toolCalls && { tool_calls: toolCalls }), ...(finishReason && { finish_reason: finishReason }) };
  sandbox.book.add({
    model: '*',
    key: bookKey(prompt),
    answer,
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
  });
}

for (const setup of setups) {
  describeAnswers(setup, startSandboxBackend);
  describeSandbox(setup);
}

/** What needs the sandbox: faults that happen on the wire, refusals and embeddings. */
function describeSandbox(setup: AdapterSetup): void {
  describe(`${setup.name}: the sandbox's faults`, () => {
    let sandbox: Sandbox;
    beforeAll(async () => (sandbox = await startSandbox()));
    afterAll(() => sandbox.close());

    const ask: (fault: Omit<FaultRule, 'model'>, bounds?: Parameters<typeof callModel>[3]) => ReturnType<typeof callModel> = (
      fault,
      bounds,
    ) => {
      sandbox.faults.replace([{ model: '*', ...fault }]);
      return callModel(setup, sandbox.url, chatInput('Tell me a long story about a router.'), bounds);
    };

    test('a rate limit is not billed, and says how long to wait', async () => {
      const error = await callErrorOf(ask({ kind: 'rate_limit', retry_after_s: 7 }));
      expect(error).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 7000, maybeBilled: false, status: 429 });
      expect(error.provider).toBe(setup.modelId.split('/')[0]);
    });

    test('an overload is not billed', async () => {
      expect(await callErrorOf(ask({ kind: 'overloaded' }))).toMatchObject({
        code: 'overloaded',
        retryable: true,
        maybeBilled: false,
      });
    });

    test('a server error is not billed', async () => {
      expect(await callErrorOf(ask({ kind: 'server_error' }))).toMatchObject({
        code: 'provider_error',
        maybeBilled: false,
        status: 500,
      });
    });

    test('a refused key is the account’s fault', async () => {
      expect(await callErrorOf(ask({ kind: 'auth' }))).toMatchObject({
        code: 'provider_denied',
        retryable: false,
        maybeBilled: false,
      });
    });

    test('an answer that never comes ends at the deadline, maybe billed', async () => {
      const error = await callErrorOf(ask({ kind: 'timeout' }, { timeoutMs: 100 }));
      expect(error).toMatchObject({ code: 'timeout', retryable: true, maybeBilled: true });
    });

    test('an answer that falls silent ends long before the deadline', async () => {
      const error = await callErrorOf(ask({ kind: 'stalled_body' }, { timeoutMs: 60_000, idleTimeoutMs: 100 }));
      expect(error).toMatchObject({ code: 'timeout', maybeBilled: true });
      expect(error.message).toContain('silent');
    });

    test('a silent answer ends at the deadline when silence is allowed for longer', async () => {
      const error = await callErrorOf(ask({ kind: 'stalled_body' }, { timeoutMs: 100, idleTimeoutMs: 60_000 }));
      expect(error).toMatchObject({ code: 'timeout', maybeBilled: true });
    });

    test('a connection that breaks in the answer is maybe billed', async () => {
      expect(await callErrorOf(ask({ kind: 'reset' }))).toMatchObject({
        code: 'connection_failed',
        retryable: true,
        maybeBilled: true,
      });
    });

    test('an answer that is not JSON is maybe billed', async () => {
      expect(await callErrorOf(ask({ kind: 'malformed_json' }))).toMatchObject({
        code: 'provider_error',
        retryable: true,
        maybeBilled: true,
      });
    });

    test('an error in the middle of the stream is maybe billed', async () => {
      const error = await callErrorOf(ask({ kind: 'server_error', in_stream: true }));
      expect(error).toMatchObject({ code: 'provider_error', maybeBilled: true, status: null });
    });

    test('a truncated answer is an answer', async () => {
      expect(await ask({ kind: 'truncation' })).toMatchObject({ finishReason: 'length' });
    });

    test.runIf(setup.hasRefusals)('a refusal is an answer, billed, with its words', async () => {
      const answer = await ask({ kind: 'refusal' });
      expect(answer).toMatchObject({ finishReason: 'refusal', toolCalls: [] });
      expect(answer.text).toContain('help');
      expect(answer.usage?.outputTokens).toBeGreaterThan(0);
    });

    test('the caller’s abort ends the call at once, maybe billed', async () => {
      const caller = new AbortController();
      const call = callErrorOf(ask({ kind: 'timeout' }, { signal: caller.signal }));
      await expect.poll(() => sandbox.inFlight(), { timeout: 10_000 }).toBe(1);
      caller.abort();
      expect(await call).toMatchObject({ code: 'aborted', retryable: false, maybeBilled: true });
      await expect.poll(() => sandbox.inFlight(), { timeout: 10_000 }).toBe(0);
    });

    test('a call that was aborted before it began is not sent', async () => {
      const billed = sandbox.ledger.generations.length;
      const error = await callErrorOf(ask({ kind: 'timeout' }, { signal: AbortSignal.abort() }));
      expect(error).toMatchObject({ code: 'aborted', maybeBilled: false });
      expect(sandbox.ledger.generations.length).toBe(billed);
    });

    test('one call’s timeout does not disturb another', async () => {
      sandbox.faults.replace([{ model: '*', match: 'stall', kind: 'stalled_body' }]);
      sandbox.settings.change({ hold: true });
      const healthy = callModel(setup, sandbox.url, chatInput('Tell me something.'));
      const stalled = callErrorOf(callModel(setup, sandbox.url, chatInput('Please stall.'), { timeoutMs: 50 }));
      expect((await stalled).code).toBe('timeout');
      sandbox.settings.change({ hold: false });
      expect((await healthy).finishReason).toBe('stop');
    });

    test.runIf(setup.hasEmbeddings)('texts become vectors, in their order', async () => {
      sandbox.faults.replace([]);
      const texts = ['a cat', 'a dog', 'a train'];
      const together = await callModel(setup, sandbox.url, { texts });
      const alone = await Promise.all(texts.map((text) => callModel(setup, sandbox.url, { texts: [text] })));

      expect(together).toMatchObject({ text: '', toolCalls: [], finishReason: 'stop', usage: { outputTokens: 0 } });
      expect(together.usage?.inputTokens).toBeGreaterThan(0);
      expect(together.vectors).toEqual(alone.map(({ vectors }) => vectors?.[0]));
    });

    test.runIf(setup.hasEmbeddings)('an embedding that stalls ends at the deadline', async () => {
      sandbox.faults.replace([{ model: '*', kind: 'stalled_body' }]);
      const call = callModel(setup, sandbox.url, { texts: ['a cat'] }, { timeoutMs: 100 });
      expect(await callErrorOf(call)).toMatchObject({ code: 'timeout', maybeBilled: true });
    });

    test.runIf(setup.hasEmbeddings)('an embedding that is not JSON is maybe billed', async () => {
      sandbox.faults.replace([{ model: '*', kind: 'malformed_json' }]);
      expect(await callErrorOf(callModel(setup, sandbox.url, { texts: ['a cat'] }))).toMatchObject({
        code: 'provider_error',
        maybeBilled: true,
      });
    });
  });
}
