import { parseJobRequest } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { rowOfBatchLine } from '../../services/cli/src/run/openai-batch.ts';

const lineOf = (url: string, body: object): object => ({
  custom_id: 'a',
  method: 'POST',
  url,
  body: { model: 'gpt-x', ...body },
});

/** The job, after proving that intake takes it. */
function jobOf(url: string, body: object): object {
  const { job, error } = rowOfBatchLine(lineOf(url, body));
  expect(error).toBeNull();
  expect(parseJobRequest(job)).toHaveProperty('request');
  return job!;
}

function inputOf(url: string, body: object): object {
  const { input, ...others } = jobOf(url, body) as { input: object };
  expect(others).toEqual({});
  return input;
}

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const schema = { type: 'object', properties: { name: { type: 'string' } } };

test('a chat completion becomes a job with its tools, format, images and settings', () => {
  const input = inputOf('/v1/chat/completions', {
    messages: [
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Be' },
          { type: 'text', text: 'brief.' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: 'https://a.example/b.png', detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    ],
    tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters, strict: true } }],
    tool_choice: 'auto',
    response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
    max_completion_tokens: 50,
    stop: 'END',
    temperature: 0,
    stream: false,
  });
  expect(input).toEqual({
    messages: [
      { role: 'system', content: 'Be\nbrief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: 'https://a.example/b.png' } },
        ],
      },
      { role: 'assistant', content: '', tool_calls: [{ id: 'c1', name: 'look', arguments: '{}' }] },
      { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    ],
    tools: [{ name: 'look', description: 'Looks.', parameters }],
    tool_choice: 'auto',
    response_format: { type: 'json_schema', name: 'person', schema },
    max_output_tokens: 50,
    stop: ['END'],
    temperature: 0,
  });
});

test('a response becomes a job: instructions first, format and effort from where Responses keeps them', () => {
  const input = inputOf('/v1/responses', {
    instructions: 'Be brief.',
    input: [{ role: 'user', content: [{ type: 'input_text', text: 'Who?' }] }],
    reasoning: { effort: 'low' },
    text: { format: { type: 'json_schema', name: 'person', schema } },
    tools: [{ type: 'function', name: 'look', parameters }],
    max_output_tokens: 9,
  });
  expect(input).toEqual({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Who?' },
    ],
    reasoning_effort: 'low',
    response_format: { type: 'json_schema', name: 'person', schema },
    tools: [{ name: 'look', parameters }],
    max_output_tokens: 9,
  });
});

test('a request for embeddings becomes a job of its texts', () => {
  expect(inputOf('/v1/embeddings', { input: 'one' })).toEqual({ texts: ['one'] });
  expect(inputOf('/v1/embeddings', { input: ['one', 'two'], encoding_format: 'float' })).toEqual({ texts: ['one', 'two'] });
});

test('what has no place in a job is refused by its name, never dropped', () => {
  const errorOf = (url: string, body: object): string | null => rowOfBatchLine(lineOf(url, body)).error;
  const messages = [{ role: 'user', content: 'x' }];
  expect(errorOf('/v1/chat/completions', { messages, n: 2 })).toMatch(/^body\.n \(2\): is not known here; known: .*\bstop\b/);
  expect(errorOf('/v1/chat/completions', { messages, tools: [{ type: 'web_search' }] })).toContain(
    'body.tools[0].type ("web_search"): must be "function"',
  );
  expect(errorOf('/v1/embeddings', { input: 'x', dimensions: 64 })).toBe(
    'body.dimensions (64): is not known here; known: model, input, encoding_format, metadata, user',
  );
  expect(errorOf('/v1/embeddings', {})).toBe('body.input: is missing; must be a string or a list');
  expect(errorOf('/v1/moderations', { input: 'x' })).toContain(
    'url ("/v1/moderations"): must be one of "/v1/chat/completions", ',
  );
});

test('what is wrong within a part of a message, or a format, is named where it is', () => {
  const messages = [{ role: 'user', content: [{ type: 'text', text: 7 }, { type: 'audio' }] }];
  const { error } = rowOfBatchLine(lineOf('/v1/chat/completions', { messages, stop: 7, response_format: { type: 'xml' } }));
  expect(error?.split('; ')).toEqual([
    'body.messages[0].content[0].text (7): must be a string, not a number',
    'body.stop (7): must be a string or a list',
    'body.response_format.type ("xml"): must be one of "text", "json_object", "json_schema"',
  ]);
});

test('null is what a client writes for what it leaves out', () => {
  const input = inputOf('/v1/chat/completions', {
    messages: [
      { role: 'assistant', content: 'Hello.', refusal: null, tool_calls: null },
      { role: 'user', content: 'x' },
    ],
    temperature: null,
    max_tokens: null,
    stop: null,
    tools: null,
    response_format: null,
  });
  expect(input).toEqual({
    messages: [
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: 'x' },
    ],
  });
});

test.each([
  ['/v1/responses', { input: 'x', instructions: null, max_output_tokens: null, tools: null, text: null, reasoning: null }],
  ['/v1/embeddings', { input: 'x', dimensions: null, encoding_format: null, user: null }],
])('null is that for %s too, also in a field for which a job has no place', (url, body) => {
  expect(inputOf(url, body)).toEqual(inputOf(url, { input: 'x' }));
});

test('what OpenAI takes for granted may be written out', () => {
  const messages = [{ role: 'user', content: 'x' }];
  const usual = { n: 1, frequency_penalty: 0, presence_penalty: 0, logprobs: false, parallel_tool_calls: true, store: false };
  expect(inputOf('/v1/chat/completions', { messages, ...usual, service_tier: 'auto', verbosity: 'medium' })).toEqual({
    messages,
  });
  const { error } = rowOfBatchLine(lineOf('/v1/chat/completions', { messages, ...usual, store: true }));
  expect(error).toMatch(/^body\.store \(true\): is not known here/);
});

test('metadata is that of the job, and the user is a part of it', () => {
  const metadata = { ticket: '7' };
  const messages = [{ role: 'user', content: 'x' }];
  const about = { metadata: { user: 'u1', ticket: '7' } };
  expect(jobOf('/v1/chat/completions', { messages, metadata, user: 'u1' })).toEqual({ input: { messages }, ...about });
  expect(jobOf('/v1/responses', { input: 'x', metadata, user: 'u1' })).toEqual({ input: { messages }, ...about });
  expect(jobOf('/v1/embeddings', { input: 'x', user: 'u1' })).toEqual({ input: { texts: ['x'] }, metadata: { user: 'u1' } });
});
