import { createModelClient } from '@upshift/models';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Sandbox, startSandbox } from './server.ts';

let sandbox: Sandbox;

beforeEach(async () => (sandbox = await startSandbox({ recorded: true })));
afterEach(() => sandbox.close());

const providers = [
  { id: 'east', adapter: 'openai', api: 'responses', path: 'openai/v1' },
  { id: 'west', adapter: 'openai', api: 'chat_completions', path: 'openai/v1' },
  { id: 'south', adapter: 'anthropic', api: 'responses', path: 'anthropic' },
] as const;

function ask(provider: (typeof providers)[number], prompt = 'What colour?') {
  const { id, adapter, api, path } = provider;
  const settings = { id, adapter, api, unknownParameters: [], apiKey: 'key', off: null };
  const client = createModelClient([{ ...settings, baseUrl: `${sandbox.url}/as/${id}/${path}` }]);
  return client.call({
    modelId: `${id}/model`,
    input: { messages: [{ role: 'user', content: prompt }], tools: [], response_format: null },
    maxOutputTokens: 100,
    drop: [],
    contextWindow: 1000,
    requestId: 'job_1.1.1',
    timeoutMs: 5000,
    idleTimeoutMs: 5000,
    signal: new AbortController().signal,
  });
}

async function bring(calls: object[]): Promise<number> {
  const { status } = await fetch(`${sandbox.url}/_sandbox/recordings`, {
    method: 'PUT',
    body: JSON.stringify({ job: 'job_1', calls }),
  });
  return status;
}

const usage = { input_tokens: 100, cached_input_tokens: 40, cache_write_tokens: 20, output_tokens: 9, reasoning_tokens: 3 };
const answer = (text: string) => ({ answer: { text }, usage });

test.each(providers)(
  '$id: what was recorded is answered with its whole usage, to the model of that provider',
  async (provider) => {
    const calls = providers.map(({ id }) => ({
      model: `${id}/model`,
      text: 'What  colour?',
      outcomes: [answer(`blue in the ${id}`)],
    }));
    expect(await bring(calls)).toBe(200);
    expect(await ask(provider)).toMatchObject({
      text: `blue in the ${provider.id}`,
      usage: { inputTokens: 100, cachedInputTokens: 40, cacheWriteTokens: 20, outputTokens: 9, reasoningTokens: 3 },
    });
  },
);

test('a call waits for the answers of its job; asked again, a model gives the next one and then the last', async () => {
  const first = ask(providers[0]);
  await bring([{ model: 'east/model', text: 'What colour?', outcomes: [answer('blue'), answer('grey')] }]);
  expect((await first).text).toBe('blue');
  expect((await ask(providers[0])).text).toBe('grey');
  expect((await ask(providers[0])).text).toBe('grey');
});

test('what was not recorded is refused as an input is, and told; a recorded refusal is not', async () => {
  await bring([{ model: 'east/model', text: 'What colour?', outcomes: [{ failure: 413 }] }]);
  await expect(ask(providers[0])).rejects.toMatchObject({ error: { code: 'context_too_long' } });
  await expect(ask(providers[0], 'Why?')).rejects.toMatchObject({ error: { code: 'invalid_request' } });
  await expect(ask(providers[2])).rejects.toMatchObject({ error: { code: 'invalid_request' } });
  const misses = await (await fetch(`${sandbox.url}/_sandbox/misses`)).json();
  expect(misses).toEqual([
    { job: 'job_1', model: 'east/model' },
    { job: 'job_1', model: 'south/model' },
  ]);
});

test('a sandbox that plays no recordings says so', async () => {
  await sandbox.close();
  sandbox = await startSandbox();
  expect(await bring([])).toBe(409);
});
