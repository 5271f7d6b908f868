import type { Usage } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';

type Json = Record<string, unknown>;

/** What the conformance suite must know of an adapter: how to reach it, and where its vendor keeps what. */
export interface AdapterSetup {
  name: string;
  modelId: string;
  hasEmbeddings: boolean;
  /** Ollama answers a refusal like any other text. */
  hasRefusals: boolean;
  settings(url: string): ProviderSettings;
  /** Reads a received body. */
  body: {
    system(body: Json): unknown;
    maxOutputTokens(body: Json): unknown;
    /** The names of the tools offered. */
    tools(body: Json): unknown[];
    schema(body: Json): unknown;
    /** Sampling parameters that this vendor can be asked for, and how they arrive. */
    sampling(body: Json): Json;
  };
  /** What arrives when temperature 0.5, top_p 0.9, seed 7 and stop ['END'] are asked for. */
  samplingSent: Json;
  /** The conversation of `conversationWithTools` as the vendor must receive it. */
  conversationSent(body: Json): unknown;
  conversationExpected: unknown;
  stream: {
    contentType: string;
    /** A whole answer `ok`; its usage says 100 of input, of which 60 cached and 10 written, and 20 of output with 5 of reasoning. */
    frames: string[];
    usage: Usage;
    /** The same answer without any usage. */
    framesWithoutUsage: string[];
    /** An error after the first frame. */
    errorFrame: string;
  };
  /** An error body: `label` is the vendor's code or type. */
  errorBody(label: string, message: string): Json;
  tooLong: { status: number; label: string; message: string };
  quota: { status: number; label: string; message: string } | null;
}

const sse = (data: unknown, event?: string): string => `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
const named = (event: Json): string => sse(event, event['type'] as string);

const openaiUsage: Usage = {
  inputTokens: 100,
  cachedInputTokens: 60,
  cacheWriteTokens: 10,
  outputTokens: 20,
  reasoningTokens: 5,
};

function provider(id: string, adapter: ProviderSettings['adapter'], path: string, api: ProviderSettings['api'] = 'responses') {
  const settings = { id, adapter, api, unknownParameters: [], apiKey: 'sk-secret', off: null };
  return (url: string): ProviderSettings => ({ ...settings, baseUrl: `${url}${path}` });
}

function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key as string], value);
}

function pick(body: Json, ...names: string[]): Json {
  return Object.fromEntries(names.filter((name) => name in body).map((name) => [name, body[name]]));
}

const chunk = (delta: Json, finish_reason: string | null = null): string =>
  sse({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason }],
  });

const chatUsage = sse({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
    completion_tokens_details: { reasoning_tokens: 5 },
  },
});

function response(usage: Json | null): Json {
  const content = [{ type: 'output_text', text: 'ok', annotations: [] }];
  return {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    output: [{ type: 'message', role: 'assistant', content }],
    usage,
  };
}

const responsesUsage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};

const created = named({ type: 'response.created', response: { ...response(null), status: 'in_progress', output: [] } });
const completed = (usage: Json | null): string => named({ type: 'response.completed', response: response(usage) });

const openaiError = (label: string, message: string): Json => ({
  error: { message, type: 'some_error', param: null, code: label },
});
const openaiFaults = {
  errorBody: openaiError,
  tooLong: { status: 400, label: 'context_length_exceeded', message: 'Too long.' },
  quota: { status: 429, label: 'insufficient_quota', message: 'You exceeded your current quota.' },
};

const openaiResponses: AdapterSetup = {
  name: 'openai responses',
  modelId: 'openai/test-model',
  hasEmbeddings: true,
  hasRefusals: true,
  settings: provider('openai', 'openai', '/openai/v1'),
  body: {
    system: (body) => body['instructions'],
    maxOutputTokens: (body) => body['max_output_tokens'],
    tools: (body) => ((body['tools'] ?? []) as Json[]).map((tool) => tool['name']),
    schema: (body) => at(body, 'text', 'format', 'schema'),
    sampling: (body) => pick(body, 'temperature', 'top_p', 'seed', 'stop'),
  },
  samplingSent: { temperature: 0.5, top_p: 0.9 },
  conversationSent: (body) => body['input'],
  conversationExpected: [
    { role: 'user', content: 'What is the weather in Rome and Oslo?' },
    { role: 'assistant', content: 'I look it up.' },
    { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
    { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{"city":"Oslo"}' },
    { type: 'function_call_output', call_id: 'c1', output: 'sunny' },
    { type: 'function_call_output', call_id: 'c2', output: 'snow' },
    { role: 'user', content: 'And tomorrow?' },
  ],
  stream: {
    contentType: 'text/event-stream',
    frames: [created, completed(responsesUsage)],
    framesWithoutUsage: [created, completed(null)],
    usage: openaiUsage,
    errorFrame: named({ type: 'error', code: 'server_error', message: 'it broke', param: null }),
  },
  ...openaiFaults,
};

const openaiChat: AdapterSetup = {
  name: 'openai chat completions',
  modelId: 'openai/test-model',
  hasEmbeddings: true,
  hasRefusals: true,
  settings: provider('openai', 'openai', '/openai/v1', 'chat_completions'),
  body: {
    system: (body) => at(body, 'messages', 0, 'content'),
    maxOutputTokens: (body) => body['max_completion_tokens'],
    tools: (body) => ((body['tools'] ?? []) as Json[]).map((tool) => at(tool, 'function', 'name')),
    schema: (body) => at(body, 'response_format', 'json_schema', 'schema'),
    sampling: (body) => pick(body, 'temperature', 'top_p', 'seed', 'stop'),
  },
  samplingSent: { temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'] },
  conversationSent: (body) => body['messages'],
  conversationExpected: [
    { role: 'user', content: 'What is the weather in Rome and Oslo?' },
    {
      role: 'assistant',
      content: 'I look it up.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
        { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    { role: 'tool', tool_call_id: 'c2', content: 'snow' },
    { role: 'user', content: 'And tomorrow?' },
  ],
  stream: {
    contentType: 'text/event-stream',
    frames: [chunk({ role: 'assistant', content: 'ok' }), chunk({}, 'stop'), chatUsage, 'data: [DONE]\n\n'],
    framesWithoutUsage: [chunk({ role: 'assistant', content: 'ok' }), chunk({}, 'stop'), 'data: [DONE]\n\n'],
    usage: openaiUsage,
    errorFrame: sse({ error: { message: 'it broke', type: 'server_error', code: null, param: null } }),
  },
  ...openaiFaults,
};

const anthropicStart = (usage: Json | null): string =>
  named({
    type: 'message_start',
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage },
  });

const anthropicText = [
  named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ok' } }),
  named({ type: 'content_block_stop', index: 0 }),
];

const anthropicEnd = (usage: Json | null): string[] => [
  named({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }),
  named({ type: 'message_stop' }),
];

const anthropic: AdapterSetup = {
  name: 'anthropic',
  modelId: 'anthropic/test-model',
  hasEmbeddings: false,
  hasRefusals: true,
  settings: provider('anthropic', 'anthropic', '/anthropic'),
  body: {
    system: (body) => body['system'],
    maxOutputTokens: (body) => body['max_tokens'],
    tools: (body) => ((body['tools'] ?? []) as Json[]).map((tool) => tool['name']),
    schema: (body) => at(body, 'output_config', 'format', 'schema'),
    sampling: (body) => pick(body, 'temperature', 'top_p', 'seed', 'stop_sequences'),
  },
  samplingSent: { stop_sequences: ['END'] },
  conversationSent: (body) => body['messages'],
  conversationExpected: [
    { role: 'user', content: [{ type: 'text', text: 'What is the weather in Rome and Oslo?' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I look it up.' },
        { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Rome' } },
        { type: 'tool_use', id: 'c2', name: 'weather', input: { city: 'Oslo' } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', content: 'sunny' },
        { type: 'tool_result', tool_use_id: 'c2', content: 'snow' },
      ],
    },
    { role: 'user', content: [{ type: 'text', text: 'And tomorrow?' }] },
  ],
  stream: {
    contentType: 'text/event-stream',
    frames: [
      anthropicStart({ input_tokens: 30, cache_read_input_tokens: 60, cache_creation_input_tokens: 10, output_tokens: 1 }),
      ...anthropicText,
      ...anthropicEnd({ output_tokens: 20, output_tokens_details: { thinking_tokens: 5 } }),
    ],
    framesWithoutUsage: [anthropicStart(null), ...anthropicText, ...anthropicEnd(null)],
    usage: openaiUsage,
    errorFrame: named({ type: 'error', error: { type: 'api_error', message: 'it broke' } }),
  },
  errorBody: (label, message) => ({ type: 'error', error: { type: 'some_error', message, details: { error_code: label } } }),
  tooLong: { status: 400, label: 'none', message: 'prompt is too long: 1200000 tokens > 1000000 maximum' },
  quota: { status: 429, label: 'enforced_spend_limit_reached', message: 'Limit reached.' },
};

const line = (object: Json): string => `${JSON.stringify({ model: 'm', created_at: '2026-11-23T00:00:00Z', ...object })}\n`;

const ollama: AdapterSetup = {
  name: 'ollama',
  modelId: 'ollama/test-model:8b',
  hasEmbeddings: true,
  hasRefusals: false,
  settings: provider('ollama', 'ollama', '/ollama'),
  body: {
    system: (body) => at(body, 'messages', 0, 'content'),
    maxOutputTokens: (body) => at(body, 'options', 'num_predict'),
    tools: (body) => ((body['tools'] ?? []) as Json[]).map((tool) => at(tool, 'function', 'name')),
    schema: (body) => body['format'],
    sampling: (body) => pick(body['options'] as Json, 'temperature', 'top_p', 'seed', 'stop'),
  },
  samplingSent: { temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'] },
  conversationSent: (body) => body['messages'],
  conversationExpected: [
    { role: 'user', content: 'What is the weather in Rome and Oslo?' },
    {
      role: 'assistant',
      content: 'I look it up.',
      tool_calls: [
        { function: { name: 'weather', arguments: { city: 'Rome' } } },
        { function: { name: 'weather', arguments: { city: 'Oslo' } } },
      ],
    },
    { role: 'tool', content: 'sunny', tool_name: 'weather' },
    { role: 'tool', content: 'snow', tool_name: 'weather' },
    { role: 'user', content: 'And tomorrow?' },
  ],
  stream: {
    contentType: 'application/x-ndjson',
    frames: [
      line({ message: { role: 'assistant', content: 'ok' }, done: false }),
      line({
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 100,
        eval_count: 20,
      }),
    ],
    framesWithoutUsage: [line({ message: { role: 'assistant', content: 'ok' }, done: true, done_reason: 'stop' })],
    usage: { inputTokens: 100, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 20, reasoningTokens: 0 },
    errorFrame: `${JSON.stringify({ error: 'it broke' })}\n`,
  },
  errorBody: (_, message) => ({ error: message }),
  tooLong: { status: 400, label: 'none', message: 'the input length exceeds the context length' },
  quota: null,
};

export const setups: AdapterSetup[] = [anthropic, openaiResponses, openaiChat, ollama];
