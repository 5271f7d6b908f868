import { expect, test } from 'vitest';

import { ollamaFetch } from '../../packages/models/src/adapters/ollama/ollama-fetch.ts';
import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';

type Json = Record<string, unknown>;

const named = (name: string) => setups.find((setup) => setup.name === name)!;
const chat = named('openai chat completions');

/** Calls a model whose server answers with this. */
async function answered(setup: typeof chat, body: string, { status = 200, prompt = 'x', headers = {} } = {}) {
  const server = await startFakeServer((_, response) => void response.writeHead(status, headers).end(body));
  try {
    return await callModel(setup, server.url, chatInput(prompt));
  } finally {
    await server.close();
  }
}

function chunks(deltas: Json[], { reason = 'stop', usage = null }: { reason?: string; usage?: Json | null } = {}): string {
  const choices = [...deltas.map((delta) => ({ delta })), { delta: {}, finish_reason: reason }];
  return choices.map((choice) => `data: ${JSON.stringify({ choices: [choice], usage })}\n\n`).join('');
}

const callDelta = (call: Json): Json => ({ tool_calls: [call] });

test('parallel tool calls that share an index are told apart by their ids', async () => {
  const body = chunks([
    callDelta({ index: 0, id: 'a', function: { name: 'weather', arguments: '{"city":' } }),
    callDelta({ index: 0, function: { arguments: '"Rome"}' } }),
    callDelta({ index: 0, id: 'b', function: { name: 'weather', arguments: '' } }),
    callDelta({ index: 0, id: 'b', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }),
  ]);
  expect((await answered(chat, body)).toolCalls).toEqual([
    { id: 'a', name: 'weather', arguments: '{"city":"Rome"}' },
    { id: 'b', name: 'weather', arguments: '{"city":"Oslo"}' },
  ]);
});

test('a tool call whose deltas each have an id of their own is one call', async () => {
  const body = chunks([
    callDelta({ index: 0, id: 'a', function: { name: 'weather', arguments: '' } }),
    callDelta({ index: 0, id: 'b', function: { arguments: '{"city":' } }),
    callDelta({ index: 0, id: 'c', function: { arguments: '"Rome"}' } }),
  ]);
  expect((await answered(chat, body)).toolCalls).toEqual([{ id: 'a', name: 'weather', arguments: '{"city":"Rome"}' }]);
});

test('tool calls without index and id are told apart by their place, and get ids', async () => {
  const begun = ['weather', 'time'].map((name) => ({ function: { name, arguments: '{"city":' } }));
  const body = chunks([{ tool_calls: begun }, { tool_calls: begun.map(() => ({ function: { arguments: '"Rome"}' } })) }]);
  expect((await answered(chat, body)).toolCalls).toEqual([
    { id: 'call_0', name: 'weather', arguments: '{"city":"Rome"}' },
    { id: 'call_1', name: 'time', arguments: '{"city":"Rome"}' },
  ]);
});

test('a tool call whose id comes after its name is one call, and one that says no arguments has none', async () => {
  const name = 'weather';
  const body = chunks([
    callDelta({ index: 0, function: { name, arguments: '' } }),
    callDelta({ index: 0, id: 'a', function: { name, arguments: '' } }),
  ]);
  expect((await answered(chat, body)).toolCalls).toEqual([{ id: 'a', name, arguments: '{}' }]);
});

test('an answer is known by the id of its request, else by its own, and its usage by whichever chunk told it', async () => {
  const usage = { prompt_tokens: 90, completion_tokens: 9 };
  const body = event({ id: 'chatcmpl-1', usage }) + chunks([{ content: 'ok' }]);
  expect(await answered(chat, body)).toMatchObject({ providerRequestId: 'chatcmpl-1', usage: { inputTokens: 90 } });
  const headers = { 'x-request-id': 'req_1' };
  expect(await answered(chat, body, { headers })).toMatchObject({ providerRequestId: 'req_1' });
});

test('usage that is told within the choice, as Moonshot does, is heard', async () => {
  const usage = { prompt_tokens: 90, completion_tokens: 9 };
  const body = chunks([{ content: 'ok' }]) + event({ choices: [{ delta: {}, usage }] }) + event({ choices: [] });
  expect((await answered(chat, body)).usage).toMatchObject({ inputTokens: 90, outputTokens: 9 });
});

test('arguments that come as an object, or whole with the beginning of a call, are those of the call', async () => {
  const expected = [{ id: 'a', name: 'weather', arguments: '{"city":"Rome"}' }];
  const begun = callDelta({ index: 0, id: 'a', function: { name: 'weather', arguments: null } });
  const gone = callDelta({ index: 0, function: { arguments: { city: 'Rome' } } });
  expect((await answered(chat, chunks([begun, gone]))).toolCalls).toEqual(expected);

  const block = { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Rome' } };
  const events = [
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
  ];
  const body = events.map((one) => event(one, one.type)).join('');
  expect((await answered(named('anthropic'), body)).toolCalls).toEqual(expected);
});

test.each([
  ['beside', 109, 10],
  ['within', 30, 3],
  ['beside an unknown part of', undefined, 3],
])('reasoning that is counted %s the completion is in the output', async (_, total_tokens, reasoning_tokens) => {
  const usage = { prompt_tokens: 90, completion_tokens: 9, total_tokens, completion_tokens_details: { reasoning_tokens } };
  const outputTokens = total_tokens === 109 ? 19 : 9;
  expect((await answered(chat, chunks([{ content: 'ok' }], { usage }))).usage).toMatchObject({
    inputTokens: 90,
    outputTokens,
    reasoningTokens: reasoning_tokens,
  });
});

test.each([
  { prompt_tokens: -1, completion_tokens: 9 },
  { prompt_tokens: 90, completion_tokens: 1.5 },
  { prompt_tokens: 90, completion_tokens: 1e300 },
  { prompt_tokens: 90, completion_tokens: 9, prompt_tokens_details: { cached_tokens: '80' } },
])('usage that can not be is unknown: %j', async (usage) => {
  expect(await answered(chat, chunks([{ content: 'ok' }], { usage }))).toMatchObject({ text: 'ok', usage: null });
});

const event = (data: unknown, name = ''): string => `${name && `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

test.each([
  ['openai chat completions', event(null)],
  ['openai chat completions', event({ choices: [{ delta: { tool_calls: {} } }] })],
  ['openai responses', event({ type: 'response.completed', response: { status: 'completed', output: null } })],
  ['anthropic', event({ type: 'message_start' }, 'message_start')],
  ['ollama', `${JSON.stringify({ message: { tool_calls: [{}] }, done: true })}\n`],
])('%s: an answer of another shape is the fault of its provider: %j', async (name, body) => {
  const error = await callErrorOf(answered(named(name), body));
  expect(error).toMatchObject({ code: 'provider_error', retryable: true, maybeBilled: true });
  expect(error.message).toContain('shape');
});

test('what a server still says after the whole answer of Responses takes nothing of it back', async () => {
  const output = [{ type: 'message', content: [{ type: 'output_text', text: 'Rome' }] }];
  const whole = { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output } };
  const body = event(whole) + event({ type: 'keepalive' });
  expect(await answered(named('openai responses'), body)).toMatchObject({ text: 'Rome', providerRequestId: 'resp_1' });
});

test.each([
  { error: { code: 'rate_limit_exceeded', message: 'x' } },
  { type: 'error', code: 'rate_limit_exceeded', message: 'x', param: null },
])('an error within a stream of Responses is told by its code: %j', async (said) => {
  const body = event({ type: 'response.created', response: { id: 'resp_1' } }, 'response.created') + event(said, 'error');
  const headers = { 'content-type': 'text/event-stream' };
  expect(await callErrorOf(answered(named('openai responses'), body, { headers }))).toMatchObject({
    code: 'rate_limited',
    maybeBilled: true,
  });
});

test.each([
  ['server_is_overloaded', 'overloaded'],
  ['slow_down', 'rate_limited'],
])('%s within a stream of Responses is %s', async (code, expected) => {
  const body = event({ type: 'error', error: { type: 'service_unavailable_error', code, message: 'x' } }, 'error');
  expect(await callErrorOf(answered(named('openai responses'), body))).toMatchObject({ code: expected, maybeBilled: true });
});

test.each([
  [400, (error: Json) => JSON.stringify({ error })],
  [200, (error: Json) => event({ type: 'error', error }, 'error')],
])('a policy that stops Responses by an error, with status %i, is a refusal', async (status, bodyOf) => {
  const body = bodyOf({ type: 'invalid_request', code: 'cyber_policy', message: 'This request has been flagged.' });
  expect(await answered(named('openai responses'), body, { status })).toMatchObject({ finishReason: 'refusal', usage: null });
});

test.each([
  [400, (error: Json) => JSON.stringify(error)],
  [200, (error: Json) => event(error, 'error')],
])('an answer that Claude’s filter stops, with status %i, is refused by policy, and perhaps billed', async (status, bodyOf) => {
  const message = 'Output blocked by content filtering policy';
  const body = bodyOf({ type: 'error', error: { details: null, type: 'invalid_request_error', message } });
  expect(await answered(named('anthropic'), body, { status, headers: { 'request-id': 'req_1' } })).toMatchObject({
    finishReason: 'refusal',
    text: '',
    usage: null,
    providerRequestId: 'req_1',
  });
});

test.each([['cancelled'], [undefined]])('an answer of Responses with the status %s is none', async (status) => {
  const body = event({ type: 'response.completed', response: { id: 'resp_1', status, output: [] } });
  const error = await callErrorOf(answered(named('openai responses'), body));
  expect(error).toMatchObject({ code: 'provider_error', maybeBilled: true });
  expect(error.message).toContain(`status ${status ?? 'missing'}`);
});

test.each(['error', 'abort', 'insufficient_system_resource', 'function_call_filter: MALFORMED_FUNCTION_CALL'])(
  'an answer that broke off with the reason %s is none',
  async (reason) => {
    const error = await callErrorOf(answered(chat, chunks([{ content: 'The capital of' }], { reason })));
    expect(error).toMatchObject({ code: 'provider_error', retryable: true, maybeBilled: true });
    expect(error.message).toContain(reason);
  },
);

test.each([
  ['model_length', 'length'],
  ['MAX_TOKENS', 'length'],
  ['content_filter: PROHIBITED_CONTENT', 'refusal'],
  ['SAFETY', 'refusal'],
  ['eos', 'stop'],
])('a compatible server that ends with %s means %s', async (reason, finishReason) => {
  expect(await answered(chat, chunks([{ content: 'The capital of' }], { reason }))).toMatchObject({ finishReason });
});

test('a finish reason without words is none: it neither ends an answer nor takes its end back', async () => {
  const error = await callErrorOf(answered(chat, chunks([{ content: 'The capital of' }], { reason: '' })));
  expect(error).toMatchObject({ code: 'provider_error', retryable: true, maybeBilled: true });
  const body = chunks([{ content: 'The capital of' }], { reason: 'length' }) + chunks([], { reason: '' });
  expect(await answered(chat, body)).toMatchObject({ finishReason: 'length' });
});

const claude = (stop_reason: string): string =>
  [
    { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 90 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Ro' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'me' } },
    { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 9 } },
    { type: 'message_delta', delta: {} },
    { type: 'message_stop' },
  ]
    .map((one) => event(one, one.type))
    .join('');

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'refusal'],
])('Claude that stops with %s means %s', async (reason, finishReason) => {
  expect(await answered(named('anthropic'), claude(reason), { headers: { 'request-id': 'req_1' } })).toMatchObject({
    text: 'Rome',
    finishReason,
    usage: { inputTokens: 90, outputTokens: 9 },
    providerRequestId: 'req_1',
  });
});

test('a reason to stop that Claude has for tools of its own is none', async () => {
  const error = await callErrorOf(answered(named('anthropic'), claude('pause_turn')));
  expect(error).toMatchObject({ code: 'provider_error', maybeBilled: true });
  expect(error.message).toContain('pause_turn');
});

test('of an answer in parts its text is read, and not its thoughts', async () => {
  const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'Italy, so' }] };
  const body = chunks([{ content: [thought] }, { content: [{ type: 'text', text: 'Ro' }, { type: 'text' }] }, { content: 'me' }]);
  expect((await answered(chat, body)).text).toBe('Rome');
});

test('a long line of Ollama, as many vectors make it, is looked through once, however many parts it comes in', async () => {
  const embedding = Array<number>(600_000).fill(0.5);
  const bytes = Buffer.from(JSON.stringify({ embedding }));
  const body = async function* () {
    for (let start = 0; start < bytes.length; start += 100) yield bytes.subarray(start, start + 100);
  };
  const fetch = ollamaFetch(async () => ({ ok: true, body: body() }) as unknown as Response);
  expect(((await (await fetch('')).json()) as { embedding: number[] }).embedding).toHaveLength(embedding.length);
}, 10_000);

test('a tool call of Ollama has an id that OpenAI takes back', async () => {
  const message = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: {} } }] };
  const { toolCalls } = await answered(named('ollama'), `${JSON.stringify({ message, done: true })}\n`);
  expect(toolCalls[0]!.id).toMatch(/^[\w-]{9,40}$/);
});

test.each(['model requires more system memory (7.5 GiB) than is available (5.2 GiB)', 'cudaMalloc failed: out of memory'])(
  'a model of Ollama that does not fit its memory names the key that makes it smaller: %s',
  async (error) => {
    const failed = await callErrorOf(answered(named('ollama'), JSON.stringify({ error }), { status: 500 }));
    expect(failed).toMatchObject({ code: 'provider_error', maybeBilled: false });
    expect(failed.message).toContain('(500; memory is short: a smaller context_window needs less)');
  },
);

test('a long prompt may come back as often in any script', async () => {
  const prompt = '長'.repeat(400_000);
  const echo = `: ${prompt}\n\n`.repeat(3);
  expect((await answered(chat, echo + chunks([{ content: 'ok' }]), { prompt })).text).toBe('ok');
});

test.each([
  ['anthropic', 'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length'],
  ['openai chat completions', "This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
  ['openai chat completions', 'The input token count (1048590) exceeds the maximum number of tokens allowed (1048576).'],
  ['openai chat completions', 'This model’s maximum context length is 8192 tokens.'],
  ['openai chat completions', 'the request exceeds the available context size'],
  ['openai chat completions', 'Input is too long for requested model.'],
  ['openai chat completions', 'Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)'],
  ['openai chat completions', 'InternalError.Algo.InvalidParameter: Range of input length should be [1, 202745]'],
  ['openai chat completions', 'Prompt exceeds max length'],
  ['openai chat completions', 'The decoder prompt (length 9000) is longer than the maximum model length of 8192.'],
  ['ollama', 'the input length exceeds the context length'],
])('%s says that an input is too long: %s', async (name, message) => {
  const body = JSON.stringify(named(name).errorBody('none', message));
  expect(await callErrorOf(answered(named(name), body, { status: 400 }))).toMatchObject({ code: 'context_too_long' });
});
