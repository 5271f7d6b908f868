import { expect, test } from 'vitest';

import { bodySent, chatInput } from './conformance.ts';

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
