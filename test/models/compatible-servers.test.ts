import type { ServerResponse } from 'node:http';

import type { ProviderSettings } from '@upshift/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import type { FakeServer } from './fake-server.ts';
import { setups } from './setups.ts';

/** What servers that speak OpenAI's protocol say in their own way. */
const setup = setups.find(({ name }) => name === 'openai chat completions')!;

let server: FakeServer;
let answer: (response: ServerResponse) => void;
beforeAll(async () => (server = await startFakeServer((_, response) => answer(response))));
afterAll(() => server.close());

const failureOf = (status: number, contentType: string, body: string) => {
  answer = (response) => response.writeHead(status, { 'content-type': contentType }).end(body);
  return callErrorOf(callModel(setup, server.url, chatInput('Hello.')));
};
const refusedWith = (status: number, error: object) => failureOf(status, 'application/json', JSON.stringify({ error }));

test.each([
  [403, 'Your chosen model requires moderation and your input was flagged for "violence".', 'invalid_request'],
  [403, 'm requires moderation on OpenAI. Your input was flagged for "harassment". No credits were charged.', 'invalid_request'],
  [403, 'The request was blocked by a guardrail.', 'invalid_request'],
  [403, 'Your account has been flagged for unusual activity.', 'provider_denied'],
  [403, 'Key limit exceeded.', 'provider_denied'],
  [401, 'No key for moderation.', 'provider_denied'],
])('status %i with %j is %s: the refusal of one prompt denies the account to nobody', async (status, message, code) => {
  // As OpenRouter has it: the code is the status once more.
  const error = { code: status, message, metadata: { reasons: ['violence'], flagged_input: 'Hello.' } };
  expect(await refusedWith(status, error)).toMatchObject({ code, retryable: false, maybeBilled: false });
});

test.each([
  ['xAI', { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: na***ys.' }],
  ['Gemini', [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' } }]],
])('a key that %s refuses with status 400 is the account’s fault, and no job’s', async (_, body) => {
  const error = await failureOf(400, 'application/json', JSON.stringify(body, null, 2));
  expect(error).toMatchObject({ code: 'provider_denied', retryable: false, maybeBilled: false });
});

test('an input that speaks of keys is not a key', async () => {
  const error = { message: 'Invalid value: "Incorrect API key provided". Expected an object.' };
  expect(await refusedWith(400, error)).toMatchObject({ code: 'invalid_request' });
});

test('a 403 that names the policy for contents is about the prompt', async () => {
  const error = { code: 'content_policy_violation', message: 'Blocked.' };
  expect(await refusedWith(403, error)).toMatchObject({ code: 'invalid_request', maybeBilled: false });
});

test.each([
  [429, 'rate_limited'],
  ['429', 'rate_limited'],
  [503, 'overloaded'],
  [502, 'provider_error'],
  // What vLLM says of any failure in a stream.
  [400, 'provider_error'],
  [1302, 'provider_error'],
  [null, 'provider_error'],
])('an error in the stream with the code %j is %s, and may be billed', async (code, expected) => {
  const frame = `data: ${JSON.stringify({ error: { code, message: 'it broke' } })}\n\n`;
  const error = await failureOf(200, setup.stream.contentType, setup.stream.frames[0] + frame);
  expect(error).toMatchObject({ code: expected, status: null, maybeBilled: true });
});

test('what a server does not know is not sent, and the cap on the output has its older name', async () => {
  const cap = 256;
  answer = (response) => response.writeHead(200, { 'content-type': setup.stream.contentType }).end(setup.stream.frames.join(''));
  const bodyFor = async (unknownParameters: ProviderSettings['unknownParameters']) => {
    const settings = (url: string): ProviderSettings => ({ ...setup.settings(url), unknownParameters });
    await callModel({ ...setup, settings }, server.url, chatInput('Hello.'), { maxOutputTokens: cap });
    const { max_tokens, max_completion_tokens, stream_options } = server.calls.at(-1)!.body;
    return { max_tokens, max_completion_tokens, stream_options };
  };
  expect(await bodyFor([])).toEqual({ max_completion_tokens: cap, stream_options: { include_usage: true } });
  expect(await bodyFor(['max_completion_tokens'])).toEqual({ max_tokens: cap, stream_options: { include_usage: true } });
  expect(await bodyFor(['max_completion_tokens', 'stream_options'])).toEqual({ max_tokens: cap });
});
