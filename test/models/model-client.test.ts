import { getEventListeners } from 'node:events';

import { createModelClient } from '@upshift/models';
import { expect, onTestFinished, test, vi } from 'vitest';

import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

const call = {
  input: chatInput('x'),
  maxOutputTokens: 1,
  drop: [],
  contextWindow: 1,
  requestId: 'r',
  timeoutMs: 1000,
  idleTimeoutMs: 1000,
  signal: new AbortController().signal,
};

const serve = ({ stream: { contentType, frames } }: AdapterSetup) =>
  startFakeServer((_, response) => void response.writeHead(200, { 'content-type': contentType }).end(frames.join('')));

test('a provider that is off is not called, and the error says why', async () => {
  const settings = setups.map((setup) => ({ ...setup.settings('http://127.0.0.1:1'), off: 'OPENAI_API_KEY is not set' }));
  const error = await callErrorOf(createModelClient(settings).call({ ...call, modelId: 'openai/gpt-6-luna' }));
  expect(error).toMatchObject({ code: 'provider_off', provider: 'openai', retryable: false, maybeBilled: false });
  expect(error.message).toContain('OPENAI_API_KEY is not set');
});

test('a provider that is not configured is off', async () => {
  const error = await callErrorOf(createModelClient([]).call({ ...call, modelId: 'mistral/large' }));
  expect(error).toMatchObject({ code: 'provider_off', provider: 'mistral' });
});

test('several accounts of one vendor are providers of their own: each call goes to its server, with its key', async () => {
  const setup = setups.find(({ name }) => name === 'openai chat completions')!;
  const [first, second] = await Promise.all([serve(setup), serve(setup)]);
  const client = createModelClient([
    { ...setup.settings(first.url), id: 'openai', apiKey: 'sk-first' },
    { ...setup.settings(second.url), id: 'openai-eu', apiKey: 'sk-second' },
  ]);
  await Promise.all(['openai/m', 'openai-eu/m', 'openai-eu/n'].map((modelId) => client.call({ ...call, modelId })));

  expect(first.calls.map(({ headers, body }) => [headers.authorization, body['model']])).toEqual([['Bearer sk-first', 'm']]);
  expect(second.calls.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-second', 'Bearer sk-second']);
  expect(new Set(second.calls.map(({ body }) => body['model']))).toEqual(new Set(['m', 'n']));
  await Promise.all([first.close(), second.close()]);
});

test.each(setups)('$name: what the environment has for other programs is not sent', async (setup) => {
  onTestFinished(() => void vi.unstubAllEnvs());
  const names = [
    'ANTHROPIC_API_KEY',
    'ANTHROPIC_AUTH_TOKEN',
    'OPENAI_API_KEY',
    'OPENAI_ADMIN_KEY',
    'OPENAI_ORG_ID',
    'OPENAI_PROJECT_ID',
  ];
  for (const name of [...names, 'OLLAMA_API_KEY']) vi.stubEnv(name, 'stranger');
  for (const vendor of ['ANTHROPIC', 'OPENAI'])
    vi.stubEnv(`${vendor}_CUSTOM_HEADERS`, 'authorization: Bearer stranger\nx-gateway: stranger');

  const server = await serve(setup);
  await callModel(setup, server.url, chatInput('x'));
  await server.close();
  expect(server.calls[0]!.headers.authorization).toBe('Bearer sk-secret');
  expect(JSON.stringify(server.calls[0]!.headers)).not.toContain('stranger');
});

test.each(setups)('$name: a call that has ended leaves no timer, and nobody who listens to its caller', async (setup) => {
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const server = await serve(setup);
  const { signal } = new AbortController();
  await callModel(setup, server.url, chatInput('x'), { signal });
  await server.close();
  await expect(callModel(setup, 'http://127.0.0.1:1', chatInput('x'), { signal })).rejects.toThrow('connection');
  await expect.poll(() => vi.getTimerCount()).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a server that sends on and on behind a whole answer is cut off where no answer is that long', async () => {
  onTestFinished(() => void vi.useRealTimers());
  // That of the wait for a late end, which would cut it off too.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const setup = setups.find(({ name }) => name === 'anthropic')!;
  const closed = Promise.withResolvers<void>();
  const server = await startFakeServer((_, response) => {
    const sendOn = (): unknown => response.write(Buffer.alloc(1_000_000, ':\n'));
    response.on('drain', sendOn).on('close', () => closed.resolve());
    response.writeHead(200, { 'content-type': setup.stream.contentType }).write(setup.stream.frames.join(''));
    sendOn();
  });
  expect(await callModel(setup, server.url, chatInput('x'))).toMatchObject({ text: 'ok' });
  await closed.promise;
  await server.close();
});
