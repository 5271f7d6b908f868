import type { UnifiedRequest } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

import { responsesRequest } from '../../packages/models/src/adapters/openai/openai-messages.ts';
import { bodySent, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import { setups } from './setups.ts';

/** What is sent so that a vendor does not refuse it. */
test('JSON without a schema is asked of OpenAI with the word JSON, without which it refuses', async () => {
  const asked = 'Answer with one JSON object and nothing else.';
  const format = { response_format: { type: 'json_object' as const } };
  const system = { role: 'system' as const, content: 'Answer in JSON.' };
  const user = { role: 'user' as const, content: 'x' };

  expect(await bodySent('openai responses', chatInput('x', format))).toMatchObject({
    input: [user, { role: 'developer', content: asked }],
  });
  // What stands in `instructions` does not count.
  expect(await bodySent('openai responses', chatInput('', { ...format, messages: [system, user] }))).toMatchObject({
    input: [user, { role: 'developer', content: asked }],
  });
  expect(await bodySent('openai chat completions', chatInput('x', format))).toMatchObject({
    messages: [{ role: 'system', content: asked }, user],
  });
  const brief = { role: 'system' as const, content: 'Be brief.' };
  expect(await bodySent('openai chat completions', chatInput('', { ...format, messages: [brief, user] }))).toMatchObject({
    messages: [{ role: 'system', content: `Be brief.\n\n${asked}` }, user],
  });
});

test('the word JSON is not added for OpenAI where it stands, or is not needed', async () => {
  const format = { response_format: { type: 'json_object' as const } };
  const system = { role: 'system' as const, content: 'Answer in JSON.' };
  const user = { role: 'user' as const, content: 'x' };
  expect((await bodySent('openai responses', chatInput('As json!', format)))['input']).toHaveLength(1);
  expect(await bodySent('openai chat completions', chatInput('', { ...format, messages: [system, user] }))).toMatchObject({
    messages: [system, user],
  });
  expect((await bodySent('openai chat completions', chatInput('x')))['messages']).toEqual([user]);
});

test('Anthropic gets no white space alone, which it refuses', async () => {
  const messages = [
    { role: 'system' as const, content: ' ' },
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: '\n' },
        { type: 'text' as const, text: 'x' },
      ],
    },
    { role: 'assistant' as const, content: ' \n' },
    { role: 'user' as const, content: 'y' },
  ];
  const body = await bodySent('anthropic', chatInput('', { messages, stop: ['\n', 'END', ' '] }));
  expect(body).toMatchObject({
    stop_sequences: ['END'],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
      { role: 'user', content: [{ type: 'text', text: 'y' }] },
    ],
  });
  expect(body).not.toHaveProperty('system');
  expect(await bodySent('anthropic', chatInput('x', { stop: ['\n\n'] }))).not.toHaveProperty('stop_sequences');
});

test('the beginning of an answer that Anthropic is to go on with ends without the white space that it refuses', async () => {
  const messages = [
    { role: 'user' as const, content: 'x ' },
    { role: 'assistant' as const, content: 'The sum is: \n' },
  ];
  expect(await bodySent('anthropic', chatInput('', { messages }))).toMatchObject({
    messages: [{ content: [{ text: 'x ' }] }, { role: 'assistant', content: [{ type: 'text', text: 'The sum is:' }] }],
  });
});

test('Anthropic gets tool call ids in its own characters, each its own, the same in call and result', async () => {
  const ids = ['functions.weather:0', 'functions.weather:1', 'call_2'];
  const messages = [
    { role: 'user' as const, content: 'x' },
    { role: 'assistant' as const, content: '', tool_calls: ids.map((id) => ({ id, name: 'weather', arguments: '{}' })) },
    ...ids.map((id) => ({ role: 'tool' as const, tool_call_id: id, content: 'sunny' })),
  ];
  const body = await bodySent('anthropic', chatInput('', { messages }));
  const [, calls, results] = (body['messages'] as { content: { id: string; tool_use_id: string }[] }[]).map(
    ({ content }) => content,
  );
  const sent = calls!.map(({ id }) => id);
  expect(sent).toEqual([expect.stringMatching(/^[\w-]+$/), expect.stringMatching(/^[\w-]+$/), 'call_2']);
  expect(new Set(sent).size).toBe(3);
  expect(results!.map(({ tool_use_id: id }) => id)).toEqual(sent);
});

test('OpenAI gets tool call ids of 40 characters at most, each its own, the same in call and result', async () => {
  // As vLLM makes them, and one of OpenAI's own.
  const ids = [`chatcmpl-tool-${'a'.repeat(32)}`, `chatcmpl-tool-${'b'.repeat(32)}`, 'call_2'];
  const messages = [
    { role: 'user' as const, content: 'x' },
    { role: 'assistant' as const, content: '', tool_calls: ids.map((id) => ({ id, name: 'weather', arguments: '{}' })) },
    ...ids.map((id) => ({ role: 'tool' as const, tool_call_id: id, content: 'sunny' })),
  ];
  const input = chatInput('', { messages });
  const chat = (await bodySent('openai chat completions', input))['messages'] as {
    tool_calls?: { id: string }[];
    tool_call_id?: string;
  }[];
  const responses = (await bodySent('openai responses', input))['input'] as { call_id?: string }[];
  const sent = chat.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
  expect(sent).toEqual([expect.stringMatching(/^[\w-]{1,40}$/), expect.stringMatching(/^[\w-]{1,40}$/), 'call_2']);
  expect(new Set(sent).size).toBe(3);
  expect(chat.flatMap(({ tool_call_id: id }) => id ?? [])).toEqual(sent);
  expect(responses.flatMap(({ call_id: id }) => id ?? [])).toEqual([...sent, ...sent]);
});

test('system messages alone become the user’s where a vendor wants a turn', async () => {
  const messages = [{ role: 'system' as const, content: 'Tell a joke.' }];
  const anthropic = await bodySent('anthropic', chatInput('', { messages }));
  expect(anthropic).toMatchObject({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Tell a joke.' }] }] });
  expect(anthropic).not.toHaveProperty('system');
  const responses = await bodySent('openai responses', chatInput('', { messages }));
  expect(responses).toMatchObject({ input: [{ role: 'user', content: 'Tell a joke.' }] });
  expect(responses).not.toHaveProperty('instructions');
  expect(await bodySent('openai chat completions', chatInput('', { messages }))).toMatchObject({ messages });
});

test('Ollama is told not to drop the first messages of a prompt that is too long', async () => {
  expect(await bodySent('ollama', chatInput('x'))).toMatchObject({ truncate: false });
});

test.each([
  ['ollama', { model: 'test-model:8b', truncate: false, options: { num_ctx: 8192 } }],
  ['openai responses', { model: 'test-model', encoding_format: 'float' }],
])('%s is asked to embed texts whole, in numbers', async (name, expected) => {
  const vector = { embeddings: [[1]], data: [{ embedding: [1] }] };
  const server = await startFakeServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(vector));
  });
  const setup = setups.find((one) => one.name === name)!;
  await callModel(setup, server.url, { texts: ['x'] });
  await server.close();
  expect(server.calls[0]!.body).toEqual({ ...expected, input: ['x'] });
});

test('Ollama gets a text in parts as lines', async () => {
  const content = ['What is', 'it?'].map((text) => ({ type: 'text' as const, text }));
  const input = chatInput('', { messages: [{ role: 'user', content }] });
  expect(await bodySent('ollama', input)).toMatchObject({ messages: [{ content: 'What is\nit?' }] });
});

describe('a conversation with all that a job may say', () => {
  const url = 'data:image/png;base64,AAAA';
  const find = { name: 'find', description: 'Finds.', parameters: { type: 'object', properties: {} } };
  const stop = { name: 'stop', parameters: { type: 'object' } };
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
  const whole = chatInput('', {
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look:' },
          { type: 'image_url', image_url: { url } },
        ],
      },
      { role: 'assistant', content: 'I ask.', tool_calls: [{ id: 'call_1', name: 'find', arguments: '{"a":1}' }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'found' },
      { role: 'user', content: 'And now?' },
    ],
    tools: [find, stop],
    tool_choice: 'required',
    response_format: { type: 'json_schema', name: 'answer', schema },
    temperature: 0.5,
    top_p: 0.9,
    seed: 7,
    stop: ['END'],
    reasoning_effort: 'low',
  });

  test('is sent to OpenAI’s Responses, which has no seed and no stop', async () => {
    expect(await bodySent('openai responses', whole)).toEqual({
      model: 'test-model',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look:' },
            { type: 'input_image', image_url: url, detail: 'auto' },
          ],
        },
        { role: 'assistant', content: 'I ask.' },
        { type: 'function_call', call_id: 'call_1', name: 'find', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'found' },
        { role: 'user', content: 'And now?' },
      ],
      max_output_tokens: 256,
      store: false,
      stream: true,
      instructions: 'Be brief.',
      temperature: 0.5,
      top_p: 0.9,
      tools: [
        { type: 'function', strict: false, ...find },
        { type: 'function', strict: false, ...stop },
      ],
      tool_choice: 'required',
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } },
    });
  });

  test('is sent to OpenAI’s chat completions as it is', async () => {
    const [system, user, , tool, last] = whole.messages;
    const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"a":1}' } };
    expect(await bodySent('openai chat completions', whole)).toEqual({
      model: 'test-model',
      messages: [system, user, { role: 'assistant', content: 'I ask.', tool_calls: [call] }, tool, last],
      max_completion_tokens: 256,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      stop: ['END'],
      reasoning_effort: 'low',
      tools: [
        { type: 'function', function: find },
        { type: 'function', function: stop },
      ],
      tool_choice: 'required',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    });
  });

  test('is sent to Anthropic in blocks, without the sampling that it refuses', async () => {
    expect(await bodySent('anthropic', whole)).toEqual({
      model: 'test-model',
      max_tokens: 256,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I ask.' },
            { type: 'tool_use', id: 'call_1', name: 'find', input: { a: 1 } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'found' }] },
        { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
      ],
      stream: true,
      system: 'Be brief.',
      stop_sequences: ['END'],
      tools: [
        { name: 'find', description: 'Finds.', input_schema: find.parameters },
        { name: 'stop', input_schema: stop.parameters },
      ],
      tool_choice: { type: 'any' },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
    });
  });

  test('is sent to Ollama, whose tools are known by their names', async () => {
    const [system, , , , last] = whole.messages;
    expect(await bodySent('ollama', whole)).toEqual({
      model: 'test-model:8b',
      messages: [
        system,
        { role: 'user', content: 'Look:', images: ['AAAA'] },
        { role: 'assistant', content: 'I ask.', tool_calls: [{ function: { name: 'find', arguments: { a: 1 } } }] },
        { role: 'tool', content: 'found', tool_name: 'find' },
        last,
      ],
      stream: true,
      truncate: false,
      options: { num_ctx: 8192, num_predict: 256, temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'] },
      tools: [
        { type: 'function', function: find },
        { type: 'function', function: stop },
      ],
      format: schema,
    });
  });
});

test.each<[name: string, body: object]>([
  [
    'openai responses',
    { model: 'test-model', input: [{ role: 'user', content: 'x' }], max_output_tokens: 256, store: false, stream: true },
  ],
  [
    'openai chat completions',
    {
      model: 'test-model',
      messages: [{ role: 'user', content: 'x' }],
      max_completion_tokens: 256,
      stream: true,
      stream_options: { include_usage: true },
    },
  ],
  [
    'anthropic',
    {
      model: 'test-model',
      max_tokens: 256,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
      stream: true,
    },
  ],
  [
    'ollama',
    {
      model: 'test-model:8b',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
      truncate: false,
      options: { num_ctx: 8192, num_predict: 256 },
    },
  ],
])('%s: of a prompt alone, nothing is sent that it does not say, nor a choice among no tools', async (name, body) => {
  expect(await bodySent(name, chatInput('x', { tool_choice: 'auto' }))).toEqual(body);
});

test.each([
  ['none', { type: 'none' }],
  ['auto', { type: 'auto' }],
  ['required', { type: 'any' }],
  [undefined, undefined],
] as const)('the choice %s among tools is told to Anthropic in its own word', async (tool_choice, told) => {
  const tools = [{ name: 'find', parameters: { type: 'object' } }];
  expect((await bodySent('anthropic', chatInput('x', { tools, tool_choice })))['tool_choice']).toEqual(told);
});

test('what Ollama has no word for is kept all the same', async () => {
  const tools = [{ name: 'find', parameters: { type: 'object' } }];
  expect(await bodySent('ollama', chatInput('x', { tools, tool_choice: 'none' }))).not.toHaveProperty('tools');
  expect(await bodySent('ollama', chatInput('x', { response_format: { type: 'json_object' } }))).toMatchObject({
    format: 'json',
  });
});

test.each(['none', 'minimal'] as const)('the effort %s, which Anthropic does not know, is left out', async (reasoning_effort) => {
  expect(await bodySent('anthropic', chatInput('x', { reasoning_effort }))).not.toHaveProperty('output_config');
});

test('a turn that says nothing beside its tool calls is sent without a text, and OpenAI is given any format as it is', async () => {
  const call = { id: 'call_1', name: 'find', arguments: '{}' };
  const messages = [
    { role: 'user' as const, content: 'As JSON.' },
    { role: 'assistant' as const, content: '', tool_calls: [call] },
    { role: 'tool' as const, tool_call_id: 'call_1', content: 'found' },
    { role: 'assistant' as const, content: 'Well' },
  ];
  const input = chatInput('', { messages, response_format: { type: 'json_object' } });
  expect(await bodySent('openai responses', input)).toMatchObject({
    input: [
      { role: 'user' },
      { type: 'function_call' },
      { type: 'function_call_output' },
      { role: 'assistant', content: 'Well' },
    ],
    text: { format: { type: 'json_object' } },
  });
  expect(await bodySent('openai chat completions', input)).toMatchObject({
    messages: [{}, { role: 'assistant', content: null, tool_calls: [{}] }, {}, { role: 'assistant', content: 'Well' }],
    response_format: { type: 'json_object' },
  });
});

test('Responses is never asked for fewer tokens than it takes', () => {
  const bodyOf = (maxOutputTokens: number) =>
    responsesRequest({ model: 'm', input: chatInput('x'), drop: [], maxOutputTokens } as unknown as UnifiedRequest);
  expect([1, 16, 17].map((tokens) => bodyOf(tokens).max_output_tokens)).toEqual([16, 16, 17]);
});
