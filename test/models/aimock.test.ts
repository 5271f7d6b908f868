import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput, describeAnswers } from './conformance.ts';
import type { Backend, TaughtAnswer } from './conformance.ts';
import { forwardTo, startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

/** aimock, a mock of the same protocols by other hands: an independent check of the wire shapes. */
async function startAimockBackend(): Promise<Backend> {
  const mock = new LLMock({ port: 0 });
  await mock.start();
  const forward = forwardTo(mock.url);
  // It speaks all protocols at its root.
  const server = await startFakeServer((call, response) =>
    forward({ ...call, path: call.path.replace(/^\/(openai|anthropic|ollama)/, '') }, response),
  );
  return {
    url: server.url,
    calls: server.calls,
    teach: (prompt, answer) => void mock.onMessage(prompt, fixtureOf(answer)),
    close: () => Promise.all([server.close(), mock.stop()]).then(() => undefined),
  };
}

/** Its usage is 0 unless told. It takes both vendors' names, each for its own protocol. */
function fixtureOf({
  text,
  toolCalls,
  finishReason,
  inputTokens,
  outputTokens,
}: TaughtAnswer): Parameters<LLMock['onMessage']>[1] {
  const usage = {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
  };
  const overrides = { usage, ...(finishReason && { finishReason }) };
  if (toolCalls)
    return { toolCalls: toolCalls.map((call) => ({ name: call.name, arguments: JSON.stringify(call.arguments) })), ...overrides };
  return { content: text, ...overrides };
}

for (const setup of setups) {
  // Its Ollama counts are always 0, and its answers always end with `stop`.
  describeAnswers(setup, startAimockBackend, setup.name === 'ollama' ? ['usage', 'length'] : []);
  describeErrors(setup);
}

describe('aimock: embeddings of OpenAI', () => {
  const mock = new LLMock({ port: 0 });
  let url = '';
  beforeAll(async () => void (url = await mock.start()));
  afterAll(() => mock.stop());

  test('texts become vectors, one each', async () => {
    const setup = setups.find(({ name }) => name === 'openai responses')!;
    const answer = await callModel({ ...setup, settings: (base) => atRoot(setup, base) }, url, { texts: ['a cat', 'a dog'] });
    expect(answer.vectors).toHaveLength(2);
    expect(answer.vectors?.[0]?.length).toBeGreaterThan(0);
  });
});

function describeErrors(setup: AdapterSetup): void {
  describe(`${setup.name}: aimock's errors`, () => {
    const mock = new LLMock({ port: 0 });
    let url = '';
    beforeAll(async () => void (url = await mock.start()));
    afterAll(() => mock.stop());

    const ask = (status: number): ReturnType<typeof callErrorOf> => {
      mock.nextRequestError(status, { message: 'Not now.', type: 'some_error' });
      return callErrorOf(callModel({ ...setup, settings: (base) => atRoot(setup, base) }, url, chatInput('Hello.')));
    };

    test.each([
      [429, 'rate_limited', false],
      [500, 'provider_error', false],
      [503, 'overloaded', false],
      [529, 'overloaded', false],
      [502, 'provider_error', true],
      [504, 'timeout', true],
    ])('status %i becomes %s, maybe billed: %s', async (status, code, maybeBilled) => {
      expect(await ask(status)).toMatchObject({ code, maybeBilled, status });
    });
  });
}

function atRoot(setup: AdapterSetup, url: string): ReturnType<AdapterSetup['settings']> {
  const settings = setup.settings('');
  return { ...settings, baseUrl: `${url}${(settings.baseUrl ?? '').replace(/^\/(openai|anthropic|ollama)/, '')}` };
}
