import { createModelClient } from '@upshift/models';
import { expect, test } from 'vitest';

import { callErrorOf, chatInput } from './conformance.ts';
import { setups } from './setups.ts';

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
