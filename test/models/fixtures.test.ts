import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import type { FakeServer } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

const folder = join(import.meta.dirname, 'fixtures');

const openaiUsage = { inputTokens: 1200, cachedInputTokens: 1024, cacheWriteTokens: 0, outputTokens: 70, reasoningTokens: 64 };
const greeting = { text: 'Hello – hi!', finishReason: 'stop', toolCalls: [] };
const twoTools = (weather: string, time: string) => ({
  finishReason: 'tool_calls',
  toolCalls: [
    { id: 'A', name: 'weather', arguments: weather },
    { id: 'B', name: 'time', arguments: time },
  ],
});

/** What each answer becomes. */
const answers: Record<string, object> = {
  // Cached tokens come beside the input here, and belong within it.
  'anthropic/thinking-and-text.sse': {
    ...greeting,
    usage: { inputTokens: 2312, cachedInputTokens: 2000, cacheWriteTokens: 300, outputTokens: 40, reasoningTokens: 25 },
  },
  'anthropic/parallel-tools.sse': { ...twoTools('{"city": "Rome"}', '{}'), text: 'I look both up.' },
  'anthropic/refusal.sse': {
    finishReason: 'refusal',
    text: 'This request was blocked under the usage policy.',
    usage: { inputTokens: 18, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 },
  },
  'openai-responses/reasoning-and-text.sse': { ...greeting, usage: openaiUsage },
  'openai-responses/parallel-tools.sse': twoTools('{"city": "Rome"}', '{}'),
  'openai-responses/refusal.sse': { finishReason: 'refusal', text: 'I can not help with that.', usage: openaiUsage },
  'openai-responses/cut-off.sse': { finishReason: 'length', text: 'Once upon', usage: openaiUsage },
  'openai-responses/filtered.sse': { finishReason: 'refusal', text: '', usage: openaiUsage },
  'openai-chat/text.sse': { ...greeting, usage: openaiUsage },
  'openai-chat/parallel-tools.sse': { ...twoTools('{"city": "Rome"}', '{}'), usage: openaiUsage },
  'openai-chat/refusal.sse': { finishReason: 'refusal', text: 'I can not help with that.', usage: openaiUsage },
  'openai-chat/filtered.sse': { finishReason: 'refusal', usage: openaiUsage },
  'openai-chat/compatible-server.sse': { ...greeting, usage: null },
  'ollama/thinking-and-text.ndjson': {
    ...greeting,
    usage: { inputTokens: 26, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 298, reasoningTokens: 0 },
  },
  'ollama/parallel-tools.ndjson': twoTools('{"city":"Rome"}', '{}'),
  'ollama/cut-off.ndjson': { finishReason: 'length', text: 'Once upon' },
};

const denied = { code: 'provider_denied', retryable: false, maybeBilled: false };

/** What each error becomes. */
const errors: Record<string, object> = {
  'anthropic/usage-limit.400.json': denied,
  'anthropic/spend-limit.429.json': denied,
  'anthropic/overloaded.529.json': { code: 'overloaded', retryable: true, maybeBilled: false },
  'openai-responses/quota-in-the-stream.sse': denied,
  'openai-responses/quota.429.json': denied,
  'openai-responses/failed-limit.sse': { code: 'rate_limited', retryable: true, maybeBilled: true },
  'openai-responses/temperature.400.json': { code: 'invalid_request', retryable: false, maybeBilled: false },
  'ollama/missing.404.json': { code: 'model_not_found', retryable: false, maybeBilled: false },
  'ollama/busy.503.json': { code: 'overloaded', retryable: true, maybeBilled: false },
  'ollama/runner-died.ndjson': { code: 'provider_error', retryable: true, maybeBilled: true },
};

let body = '';
let status = 200;
let contentType = '';
let server: FakeServer;
beforeAll(async () => {
  server = await startFakeServer(
    (_, response) => response.writeHead(status, { 'content-type': contentType }).end(body) && undefined,
  );
});
afterAll(() => server.close());

async function play(file: string): ReturnType<typeof callModel> {
  body = await readFile(join(folder, file), 'utf8');
  status = Number(/\.(\d{3})\.json$/.exec(file)?.[1] ?? 200);
  const setup = setupOf(file);
  contentType = status === 200 ? setup.stream.contentType : 'application/json';
  return callModel(setup, server.url, chatInput('Hello.'));
}

const names: Record<string, string> = { 'openai-responses': 'openai responses', 'openai-chat': 'openai chat completions' };

function setupOf(file: string): AdapterSetup {
  const vendor = file.slice(0, file.indexOf('/'));
  return setups.find(({ name }) => name === (names[vendor] ?? vendor))!;
}

test.each(Object.entries(answers))('%s is read', async (file, expected) => {
  const answer = await play(file);
  // The vendors' own ids end with A and B; Ollama has none.
  const toolCalls = answer.toolCalls.map((call, index) => ({ ...call, id: 'AB'[index] }));
  expect({ ...answer, toolCalls }).toMatchObject(expected);
  expect(new Set(answer.toolCalls.map(({ id }) => id)).size).toBe(answer.toolCalls.length);
});

test.each(Object.entries(errors))('%s is told apart', async (file, expected) => {
  expect(await callErrorOf(play(file))).toMatchObject(expected);
});

test('every fixture is played', async () => {
  const files = await readdir(folder, { recursive: true });
  expect(files.filter((file) => file.includes('/')).toSorted()).toEqual(
    [...Object.keys(answers), ...Object.keys(errors)].toSorted(),
  );
});
