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
  [
    'Gemini',
    [{ error: { code: 400, message: 'User location is not supported for the API use.', status: 'FAILED_PRECONDITION' } }],
  ],
])('an account that %s refuses with status 400 is at fault, and no job', async (_, body) => {
  const error = await failureOf(400, 'application/json', JSON.stringify(body, null, 2));
  expect(error).toMatchObject({ code: 'provider_denied', retryable: false, maybeBilled: false });
});

test.each([
  [400, { message: 'Budget has been exceeded! Current cost: 1.0, Max budget: 1.0', type: 'budget_exceeded', code: '400' }],
  [429, { message: 'Budget has been exceeded! Team=t1 Current cost: 1.0', type: 'budget_exceeded', code: '429' }],
  [
    412,
    { message: 'Account a1 is suspended, possibly due to reaching the monthly spending limit.', code: 'PRECONDITION_FAILED' },
  ],
  // Alibaba, Zhipu, Moonshot.
  [400, { message: 'Access denied, please make sure your account is in good standing.', type: 'Arrearage', code: 'Arrearage' }],
  [429, { code: '1113', message: 'Insufficient balance or no resource package. Please recharge.' }],
  [429, { message: 'Your account is suspended due to insufficient balance.', type: 'exceeded_current_quota_error' }],
])('a budget that is used up, by status %i, is the account’s fault, and no job’s', async (status, body) => {
  expect(await refusedWith(status, body)).toMatchObject({ code: 'provider_denied', maybeBilled: false });
});

test.each([
  { message: 'The model `m` has been decommissioned and is no longer supported.', code: 'model_decommissioned' },
  { message: 'The model `m` requires terms acceptance.', type: 'invalid_request_error', code: 'model_terms_required' },
  { message: 'Unable to access non-serverless model m.', type: 'invalid_request_error', code: 'model_not_available' },
  { message: 'Invalid model: m', type: 'invalid_model', code: '1500' },
  {
    message: '/chat/completions: Invalid model name passed in model=m. Call `/v1/models` to view available models.',
    code: '400',
  },
  { message: { error: '/chat/completions: Invalid model name passed in model=m.' }, type: 'None', param: 'None', code: '400' },
])('a model that is not there by status 400 (%j) may be replaced by another: the input is not to blame', async (body) => {
  expect(await refusedWith(400, body)).toMatchObject({ code: 'model_not_found', retryable: false, maybeBilled: false });
});

test.each([
  [
    400,
    {
      message: 'Your organization must be verified to stream this model. Please go to: x',
      param: 'stream',
      code: 'unsupported_value',
    },
  ],
  [
    403,
    {
      message: 'The model `m` is blocked at the project level.',
      type: 'permissions_error',
      code: 'model_permission_blocked_project',
    },
  ],
])(
  'one model that the account may not call, by status %i, is not there, and no other of its provider is held back',
  async (status, body) => {
    expect(await refusedWith(status, body)).toMatchObject({ code: 'model_not_found', retryable: false, maybeBilled: false });
  },
);

test.each([
  [424, 'provider_error', true],
  [498, 'overloaded', false],
  [499, 'provider_error', true],
])('status %i is %s: the request is not to blame', async (status, code, maybeBilled) => {
  expect(await refusedWith(status, { message: 'The operation was cancelled.' })).toMatchObject({
    code,
    retryable: true,
    maybeBilled,
  });
});

test.each(['tool_use_failed', 'json_validate_failed'])(
  'an answer that the server refuses with %s is the model’s fault, and no job’s; it is maybe billed',
  async (code) => {
    const error = { message: 'Failed to generate JSON.', type: 'invalid_request_error', code, failed_generation: '{' };
    expect(await refusedWith(400, error)).toMatchObject({ code: 'provider_error', retryable: true, maybeBilled: true });
  },
);

test.each([
  '`inputs` must have less than 4096 tokens. Given: 4545',
  '`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`',
])('an input of which a server says that %s does not fit', async (words) => {
  const error = { message: `Input validation error: ${words}`, type: 'invalid_request_error' };
  expect(await refusedWith(422, error)).toMatchObject({ code: 'context_too_long' });
});

const filtered = { error: { message: 'It was filtered.', type: null, param: 'prompt', code: 'content_filter', status: 400 } };
test.each([
  ['a prompt', 400, 'application/json', JSON.stringify(filtered)],
  ['an answer', 200, 'text/event-stream', `data: ${JSON.stringify(filtered)}\n\n`],
  [
    'DeepSeek: a prompt',
    400,
    'application/json',
    JSON.stringify({ error: { message: 'Content Exists Risk', code: 'invalid_request_error' } }),
  ],
  [
    'Alibaba: a prompt',
    400,
    'application/json',
    JSON.stringify({ error: { message: 'Input data.', code: 'data_inspection_failed' } }),
  ],
  [
    'xAI: a prompt',
    403,
    'application/json',
    JSON.stringify({
      code: 'The caller does not have permission',
      error: 'Content violates usage guidelines. Team: t, Failed check: SAFETY_CHECK_TYPE_BIO',
    }),
  ],
])(
  '%s that the provider’s filter stops is refused by policy, and perhaps billed: it is no bad request, and denies nobody',
  async (_, status, type, body) => {
    answer = (response) => response.writeHead(status, { 'content-type': type }).end(body);
    const response = await callModel(setup, server.url, chatInput('Hello.'));
    expect(response).toMatchObject({ finishReason: 'refusal', text: '', usage: null });
  },
);

const wrapped = (message: string) => {
  const raw = JSON.stringify({ error: { message, type: 'invalid_request_error', code: 400 } });
  return { message: 'Provider returned error', code: 400, metadata: { raw, provider_name: 'p' } };
};
test.each([
  ["This model's maximum context length is 262144 tokens.", 'context_too_long'],
  ['Your organization must be verified to stream this model.', 'model_not_found'],
  ['Invalid value: x.', 'invalid_request'],
])('what OpenRouter wraps is read: %s', async (message, code) => {
  expect(await refusedWith(400, wrapped(message))).toMatchObject({ code });
});

test('a refusal by policy that OpenRouter wraps is one', async () => {
  const body = JSON.stringify({ error: wrapped('Content Exists Risk') });
  answer = (response) => response.writeHead(400, { 'content-type': 'application/json' }).end(body);
  expect(await callModel(setup, server.url, chatInput('Hello.'))).toMatchObject({ finishReason: 'refusal' });
});

test('a parameter that the server does not know is named, with the key that keeps it from being sent', async () => {
  const detail = [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted', input: {} }];
  const error = await failureOf(422, 'application/json', JSON.stringify({ object: 'error', message: { detail } }));
  expect(error.message).toContain('(422; of stream_options: see unknown_parameters)');
  expect((await refusedWith(400, { message: 'Invalid value.' })).message).not.toContain('unknown_parameters');
});

test('a server that answers in one piece, though a stream was asked for, is told so', async () => {
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }];
  const error = await failureOf(200, 'application/json', JSON.stringify({ id: 'c1', object: 'chat.completion', choices }));
  expect(error).toMatchObject({ code: 'provider_error', maybeBilled: true });
  expect(error.message).toContain('the server must stream');
});

test('an error is told by its status once, though its code is the status too', async () => {
  const { message } = await refusedWith(400, { message: 'no', type: 'None', code: '400' });
  expect(message).toContain('(400 None)');
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
