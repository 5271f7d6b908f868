// Long because every API, fault and rule of the sandbox is tried with the vendors' own SDKs, which share one set-up.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type BookEntryInput, bookKey } from './book.ts';
import type { FaultKind, FaultRule } from './faults.ts';
import { type Sandbox, startSandbox } from './server.ts';
import { minimalInstance } from './stand-in.ts';

const PROMPT = 'What is the capital of Latvia?';
const ANSWER = 'The capital of Latvia is Riga, a city on the Daugava not far from the sea.';
const TOOL_PROMPT = 'What is the weather in Riga?';
const TOOL_CALL = { name: 'weather', arguments: { city: 'Riga', days: 2 } };
const USAGE = { input_tokens: 11, output_tokens: 22 };
const REFUSAL = "I can't help with that.";

const ENTRIES: BookEntryInput[] = [
  { model: '*', key: bookKey(PROMPT), answer: ANSWER, usage: USAGE, latency_ms: 0 },
  { model: 'openai/special', key: bookKey(PROMPT), answer: 'Riga.', usage: USAGE },
  { model: '*', key: bookKey(TOOL_PROMPT), answer: { text: '', tool_calls: [TOOL_CALL] }, usage: USAGE },
];

const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 3 },
    kind: { enum: ['a', 'b'] },
    sizes: { type: 'array', items: { $ref: '#/$defs/size' }, minItems: 2 },
    note: { type: ['string', 'null'] },
  },
  required: ['name', 'kind', 'sizes', 'note'],
  additionalProperties: false,
  $defs: {
    size: {
      type: 'object',
      properties: { value: { type: 'integer', minimum: 5 } },
      required: ['value'],
      additionalProperties: false,
    },
  },
};

let sandbox: Sandbox;
let openai: OpenAI;
let anthropic: Anthropic;
let ollama: Ollama;

beforeEach(async () => {
  // The ollama SDK prints the lines that it cannot read.
  vi.spyOn(console, 'warn').mockReturnValue();
  vi.spyOn(console, 'error');
  sandbox = await startSandbox({ entries: ENTRIES });
  openai = new OpenAI({ apiKey: 'key', baseURL: `${sandbox.url}/openai/v1`, maxRetries: 0, logLevel: 'off' });
  anthropic = new Anthropic({ apiKey: 'key', baseURL: `${sandbox.url}/anthropic`, maxRetries: 0, logLevel: 'off' });
  ollama = new Ollama({ host: `${sandbox.url}/ollama` });
});

afterEach(async () => {
  await sandbox.close();
  expect(console.error).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

const user = (content: string) => [{ role: 'user' as const, content }];
const chat = (content = PROMPT) => ({ model: 'gpt-6-luna', messages: user(content) });
const claude = (content = PROMPT) => ({ model: 'claude-haiku-5-5', max_tokens: 100, messages: user(content) });
const llama = (content = PROMPT) => ({ model: 'llama3.1:8b', messages: user(content) });

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { status?: number; status_code?: number }> {
  return promise.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (error) => error,
  );
}

function rule(kind: FaultKind, more: Partial<FaultRule> = {}): void {
  sandbox.faults.replace([{ model: '*', kind, ...more }]);
}

async function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${sandbox.url}/_sandbox/${path}`, { method, ...(text !== undefined && { body: text }) });
  return { status: response.status, body: await response.json() };
}

const inFlight = (calls: number) => vi.waitFor(() => expect(sandbox.inFlight()).toBe(calls), 10_000);

describe('OpenAI chat completions', () => {
  test('answers from the book, with usage', async () => {
    const { data, request_id } = await openai.chat.completions.create(chat()).withResponse();
    expect(data.choices[0]).toMatchObject({
      message: { role: 'assistant', content: ANSWER, refusal: null },
      finish_reason: 'stop',
    });
    expect(data.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 });
    expect(request_id).toMatch(/^req_/);
  });

  test('streams deltas, and usage only when asked', async () => {
    const chunks = await collect(
      await openai.chat.completions.create({ ...chat(), stream: true, stream_options: { include_usage: true } }),
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(ANSWER);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 33 } });
    const plain = await collect(await openai.chat.completions.create({ ...chat(), stream: true }));
    expect(plain.some((chunk) => 'usage' in chunk)).toBe(false);
  });

  test('calls tools, whole and streamed', async () => {
    const stream = openai.chat.completions.stream(chat(TOOL_PROMPT));
    for (const completion of [await openai.chat.completions.create(chat(TOOL_PROMPT)), await stream.finalChatCompletion()]) {
      const choice = completion.choices[0];
      expect(choice?.finish_reason).toBe('tool_calls');
      expect(choice?.message.tool_calls?.[0]).toMatchObject({
        type: 'function',
        function: { name: 'weather', arguments: JSON.stringify(TOOL_CALL.arguments) },
      });
    }
  });

  test('an entry for the exact model goes before one for any', async () => {
    const completion = await openai.chat.completions.create({ ...chat(), model: 'special' });
    expect(completion.choices[0]?.message.content).toBe('Riga.');
  });

  test('a prompt with other white space, or in parts, has the same key', async () => {
    const content = [
      { type: 'text' as const, text: 'What is the  capital' },
      { type: 'text' as const, text: ' of Latvia? ' },
    ];
    const completion = await openai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] });
    expect(completion.choices[0]?.message.content).toBe(ANSWER);
  });

  test('a refusal is in message.refusal', async () => {
    rule('refusal');
    const completion = await openai.chat.completions.create(chat());
    expect(completion.choices[0]?.message).toMatchObject({ content: null, refusal: REFUSAL });
    const streamed = await openai.chat.completions.stream(chat()).finalChatCompletion();
    expect(streamed.choices[0]?.message.refusal).toBe(REFUSAL);
  });
});

describe('OpenAI responses', () => {
  const ask = (input: string) => ({ model: 'gpt-6-luna', input });

  test('answers from the book, with usage', async () => {
    const response = await openai.responses.create(ask(PROMPT));
    expect(response).toMatchObject({
      status: 'completed',
      output_text: ANSWER,
      usage: { input_tokens: 11, output_tokens: 22, total_tokens: 33 },
    });
  });

  test('takes items and instructions as input', async () => {
    const input = [
      { role: 'user' as const, content: 'Hello' },
      { role: 'user' as const, content: [{ type: 'input_text' as const, text: PROMPT }] },
    ];
    const response = await openai.responses.create({ model: 'm', instructions: 'Be brief.', input });
    expect(response.output_text).toBe(ANSWER);
  });

  test('streams numbered events that add up to the response', async () => {
    const events = await collect(await openai.responses.create({ ...ask(PROMPT), stream: true }));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : [])).join('')).toBe(ANSWER);
    const final = await openai.responses.stream(ask(PROMPT)).finalResponse();
    expect(final).toMatchObject({ output_text: ANSWER, usage: { output_tokens: 22 } });
  });

  test('calls tools, whole and streamed', async () => {
    const streamed = await openai.responses.stream(ask(TOOL_PROMPT)).finalResponse();
    for (const response of [await openai.responses.create(ask(TOOL_PROMPT)), streamed]) {
      expect(response.output).toMatchObject([
        { type: 'function_call', name: 'weather', arguments: JSON.stringify(TOOL_CALL.arguments) },
      ]);
    }
  });

  test('a refusal is a part of the output, whole and streamed', async () => {
    rule('refusal');
    const streamed = await openai.responses.stream(ask(PROMPT)).finalResponse();
    for (const response of [await openai.responses.create(ask(PROMPT)), streamed]) {
      expect(response.output).toMatchObject([{ type: 'message', content: [{ type: 'refusal', refusal: REFUSAL }] }]);
    }
  });

  test('a truncated answer is incomplete, whole and streamed', async () => {
    rule('truncation');
    const streamed = await openai.responses.stream(ask(PROMPT)).finalResponse();
    for (const response of [await openai.responses.create(ask(PROMPT)), streamed]) {
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        usage: { output_tokens: 11 },
      });
      expect(response.output_text).toBe(ANSWER.slice(0, Math.ceil(ANSWER.length / 2)));
    }
  });
});

describe('Anthropic messages', () => {
  test('answers from the book, with usage', async () => {
    const { data, request_id } = await anthropic.messages.create(claude()).withResponse();
    expect(data).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: ANSWER }],
      stop_reason: 'end_turn',
      stop_details: null,
      usage: USAGE,
    });
    expect(request_id).toMatch(/^req_/);
  });

  test('streams events that add up to the message', async () => {
    const final = await anthropic.messages.stream(claude()).finalMessage();
    expect(final).toMatchObject({ content: [{ type: 'text', text: ANSWER }], stop_reason: 'end_turn', usage: USAGE });
    const events = await collect(await anthropic.messages.create({ ...claude(), stream: true }));
    expect(events.at(-1)?.type).toBe('message_stop');
  });

  test('calls tools, whole and streamed', async () => {
    for (const message of [
      await anthropic.messages.create(claude(TOOL_PROMPT)),
      await anthropic.messages.stream(claude(TOOL_PROMPT)).finalMessage(),
    ]) {
      expect(message).toMatchObject({
        stop_reason: 'tool_use',
        content: [{ type: 'tool_use', name: 'weather', input: TOOL_CALL.arguments }],
      });
    }
  });

  test('a refusal has stop_details, whole and streamed', async () => {
    rule('refusal');
    for (const message of [await anthropic.messages.create(claude()), await anthropic.messages.stream(claude()).finalMessage()]) {
      expect(message).toMatchObject({
        stop_reason: 'refusal',
        stop_details: { type: 'refusal', explanation: REFUSAL },
        content: [],
      });
    }
  });

  test('a truncated answer stops at max_tokens', async () => {
    rule('truncation');
    expect(await anthropic.messages.create(claude())).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 11 } });
  });
});

describe('Ollama', () => {
  test('answers from the book, with counts', async () => {
    const response = await ollama.chat(llama());
    expect(response).toMatchObject({
      message: { role: 'assistant', content: ANSWER },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 11,
      eval_count: 22,
    });
  });

  test('streams lines, the last of them with the counts', async () => {
    const parts = await collect(await ollama.chat({ ...llama(), stream: true }));
    expect(parts.map((part) => part.message.content).join('')).toBe(ANSWER);
    expect(parts.at(-1)).toMatchObject({ done: true, done_reason: 'stop', eval_count: 22 });
  });

  test('streams unless told otherwise', async () => {
    const response = await fetch(`${sandbox.url}/ollama/api/chat`, { method: 'POST', body: JSON.stringify(llama()) });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  });

  test('calls tools with arguments as an object, whole and streamed', async () => {
    const parts = await collect(await ollama.chat({ ...llama(TOOL_PROMPT), stream: true }));
    const streamed = parts.flatMap((part) => part.message.tool_calls ?? []);
    const whole = (await ollama.chat(llama(TOOL_PROMPT))).message.tool_calls;
    for (const calls of [whole, streamed]) expect(calls).toEqual([{ function: TOOL_CALL }]);
  });

  test('a refusal is a text like any other; a truncated answer has done_reason length', async () => {
    rule('refusal');
    expect(await ollama.chat(llama())).toMatchObject({ message: { content: REFUSAL }, done_reason: 'stop' });
    rule('truncation');
    expect(await ollama.chat(llama())).toMatchObject({ done_reason: 'length', eval_count: 11 });
  });
});

describe('embeddings', () => {
  const cosine = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  const texts = ['the cat sat on the mat', 'the cat sat on a mat', 'quarterly revenue grew strongly'];

  test('are unit vectors, the same for all providers and encodings', async () => {
    const base64 = await openai.embeddings.create({ model: 'e', input: texts });
    const float = await openai.embeddings.create({ model: 'e', input: texts, encoding_format: 'float' });
    const local = await ollama.embed({ model: 'e', input: texts });
    for (const [index, vector] of local.embeddings.entries()) {
      expect(vector).toHaveLength(64);
      expect(cosine(vector, vector)).toBeCloseTo(1);
      expect(float.data[index]?.embedding).toEqual(vector);
      expect(cosine(base64.data[index]!.embedding, vector)).toBeCloseTo(1);
    }
    expect(float.usage.prompt_tokens).toBe(local.prompt_eval_count);
  });

  test('are closer for texts with the same words', async () => {
    const [cat, otherCat, revenue] = (await ollama.embed({ model: 'e', input: texts })).embeddings as [
      number[],
      number[],
      number[],
    ];
    expect(cosine(cat, otherCat)).toBeGreaterThan(cosine(cat, revenue) + 0.3);
  });

  test('have as many dimensions as asked for, and are billed for input only', async () => {
    const { data } = await openai.embeddings.create({ model: 'e', input: 'one', dimensions: 8 });
    expect(data[0]?.embedding).toHaveLength(8);
    expect(sandbox.ledger.generations).toMatchObject([{ model: 'openai/e', input_tokens: 1, output_tokens: 0 }]);
  });
});

test('models are those of the book', async () => {
  sandbox.book.add({ model: 'anthropic/claude-haiku-5-5', key: bookKey('x'), answer: 'x' });
  sandbox.book.add({ model: 'ollama/llama3.1:8b', key: bookKey('x'), answer: 'x' });
  expect((await openai.models.list()).data.map((model) => model.id)).toEqual(['special']);
  expect((await anthropic.models.list()).data.map((model) => model.id)).toEqual(['claude-haiku-5-5']);
  expect((await ollama.list()).models.map((model) => model.name)).toEqual(['llama3.1:8b']);
});

describe('the stand-in', () => {
  test('says what it is, quotes the prompt, and counts four characters a token', async () => {
    const response = await openai.responses.create({ model: 'm', input: 'one two three four five six seven eight nine ten' });
    expect(response.output_text).toContain('sandbox');
    expect(response.output_text).toContain('"one two three four five six seven eight …"');
    expect(response.usage).toMatchObject({ input_tokens: 12, output_tokens: Math.ceil(response.output_text.length / 4) });
  });

  test('answers a judge with a judgement', async () => {
    const system = 'You grade answers. Reply with JSON.';
    const message = await anthropic.messages.create({ ...claude('Question: …'), system });
    expect(message.content[0]).toMatchObject({ text: '{"score":0.8,"reason":"The sandbox does not know this answer."}' });
    const completion = await openai.chat.completions.create({
      model: 'm',
      messages: [{ role: 'system', content: system }, ...user('Question: …')],
    });
    expect(completion.choices[0]?.message.content).toContain('"score":0.8');
  });

  test('is valid for the schema asked for, on every API', async () => {
    const format = { type: 'json_schema' as const, name: 'thing', schema: SCHEMA };
    const messages = user('Make a thing');
    const texts = [
      (await openai.responses.create({ model: 'm', input: 'Make a thing', text: { format } })).output_text,
      (
        await openai.chat.completions.create({
          model: 'm',
          messages,
          response_format: { type: 'json_schema', json_schema: format },
        })
      ).choices[0]?.message.content,
      (
        await anthropic.messages.create({
          ...claude('Make a thing'),
          output_config: { format: { type: 'json_schema', schema: SCHEMA } },
        })
      ).content.map((block) => (block.type === 'text' ? block.text : ''))[0],
      (await ollama.chat({ model: 'm', messages, format: SCHEMA })).message.content,
    ];
    const expected = { name: 'xxx', kind: 'a', sizes: [{ value: 5 }, { value: 5 }], note: '' };
    for (const text of texts) expect(JSON.parse(text ?? '')).toEqual(expected);
  });

  test('is a JSON object when any JSON is asked for', async () => {
    expect(JSON.parse((await ollama.chat({ ...llama('Anything'), format: 'json' })).message.content)).toHaveProperty('answer');
  });

  test('a schema without a finite instance is the caller’s mistake', async () => {
    const call = ollama.chat({
      ...llama('Anything'),
      format: { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] },
    });
    expect(await failureOf(call)).toMatchObject({ status_code: 400 });
  });

  test.each([
    ['bounds', { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }],
    ['negative integers', { type: 'integer', maximum: -3 }],
    ['multiples', { type: 'integer', minimum: 4, multipleOf: 3 }],
    ['exclusive integers', { type: 'integer', exclusiveMinimum: 2 }],
    ['const', { const: 7 }],
    [
      'all of',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'boolean' } }, required: ['b'] },
        ],
      },
    ],
    [
      'recursion that may end',
      {
        $ref: '#/$defs/n',
        $defs: {
          n: { type: 'object', properties: { next: { anyOf: [{ $ref: '#/$defs/n' }, { type: 'null' }] } }, required: ['next'] },
        },
      },
    ],
    [
      'formats',
      {
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time' }, id: { type: 'string', format: 'uuid' } },
        required: ['at', 'id'],
      },
    ],
  ])('honours %s', (_name, schema) => {
    const value = minimalInstance(schema);
    expect(z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value)).toMatchObject({ success: true });
  });
});

/** One call of each API, whole and streamed, as a client would make it. */
const CALLS: Record<string, (signal?: AbortSignal) => Promise<unknown>> = {
  'chat completions': (signal) => openai.chat.completions.create(chat(), { signal }),
  'chat completions, streamed': async (signal) =>
    collect(await openai.chat.completions.create({ ...chat(), stream: true }, { signal })),
  responses: (signal) => openai.responses.create({ model: 'gpt-6-luna', input: PROMPT }, { signal }),
  'responses, streamed': async (signal) =>
    collect(await openai.responses.create({ model: 'gpt-6-luna', input: PROMPT, stream: true }, { signal })),
  'openai embeddings': (signal) => openai.embeddings.create({ model: 'e', input: PROMPT }, { signal }),
  messages: (signal) => anthropic.messages.create(claude(), { signal }),
  'messages, streamed': async (signal) => collect(await anthropic.messages.create({ ...claude(), stream: true }, { signal })),
  'ollama chat': (signal) => abortableOllama(signal).chat(llama()),
  'ollama chat, streamed': async (signal) => collect(await abortableOllama(signal).chat({ ...llama(), stream: true })),
};

function abortableOllama(signal?: AbortSignal): Ollama {
  const withSignal: typeof fetch = (input, init) => fetch(input, { ...init, ...(signal && { signal }) });
  return new Ollama({ host: `${sandbox.url}/ollama`, fetch: withSignal });
}

const ERROR_CLASSES: [FaultKind, string, new (...args: never[]) => Error][] = [
  ['rate_limit', 'chat completions', OpenAI.RateLimitError],
  ['server_error', 'responses, streamed', OpenAI.InternalServerError],
  ['overloaded', 'responses', OpenAI.InternalServerError],
  ['auth', 'responses', OpenAI.AuthenticationError],
  ['rate_limit', 'messages, streamed', Anthropic.RateLimitError],
  ['server_error', 'messages', Anthropic.InternalServerError],
  ['auth', 'messages', Anthropic.AuthenticationError],
];

const STATUSES: [FaultKind, string, number][] = [
  ['overloaded', 'chat completions', 503],
  ['overloaded', 'messages', 529],
  ['overloaded', 'ollama chat', 503],
  ['rate_limit', 'ollama chat, streamed', 429],
  ['server_error', 'ollama chat', 500],
  ['auth', 'ollama chat', 401],
];

describe('faults as the SDKs see them', () => {
  test.each(ERROR_CLASSES)('%s of %s is the SDK error class, and is not billed', async (kind, call, type) => {
    rule(kind);
    expect(await failureOf(CALLS[call]!())).toBeInstanceOf(type);
    expect(sandbox.ledger.generations).toEqual([]);
  });

  test.each(STATUSES)('%s of %s has status %i', async (kind, call, status) => {
    rule(kind);
    const failure = await failureOf(CALLS[call]!());
    expect(failure.status ?? failure.status_code).toBe(status);
  });

  test('a rate limit carries retry-after, the vendor’s headers and body', async () => {
    rule('rate_limit', { retry_after_s: 7 });
    const fromOpenAI = (await failureOf(CALLS['responses']!())) as InstanceType<typeof OpenAI.RateLimitError>;
    expect(fromOpenAI).toMatchObject({ code: 'rate_limit_exceeded' });
    expect(fromOpenAI.headers?.get('retry-after')).toBe('7');
    expect(fromOpenAI.headers?.get('x-ratelimit-remaining-requests')).toBe('0');
    const fromAnthropic = (await failureOf(CALLS['messages']!())) as InstanceType<typeof Anthropic.RateLimitError>;
    expect(fromAnthropic.error).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } });
    expect(fromAnthropic.headers?.get('retry-after')).toBe('7');
    expect(fromAnthropic.headers?.get('anthropic-ratelimit-requests-remaining')).toBe('0');
  });

  test.each(Object.keys(CALLS))('timeout: %s gets nothing until it gives up, and is billed', async (call) => {
    rule('timeout');
    const abort = new AbortController();
    const failure = failureOf(CALLS[call]!(abort.signal));
    await vi.waitFor(() => expect(sandbox.ledger.generations[0]?.outcome).toBe('timeout'), 10_000);
    abort.abort();
    expect(await failure).toBeInstanceOf(Error);
    await inFlight(0);
    expect(sandbox.ledger.summary()).toMatchObject({ generations: 1, by_outcome: { timeout: 1 } });
  });

  test('a rule may hit all models of one provider, and no other', async () => {
    sandbox.faults.replace([{ model: 'openai/*', kind: 'auth' }]);
    expect(await failureOf(openai.responses.create({ model: 'm', input: PROMPT }))).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(await failureOf(openai.responses.create({ model: 'n', input: PROMPT }))).toBeInstanceOf(OpenAI.AuthenticationError);
    await anthropic.messages.create(claude());
  });

  test('timeout: the SDK’s own timeout ends the call', async () => {
    rule('timeout');
    expect(await failureOf(openai.responses.create({ model: 'm', input: PROMPT }, { timeout: 50 }))).toBeInstanceOf(
      OpenAI.APIConnectionTimeoutError,
    );
    expect(await failureOf(anthropic.messages.create(claude(), { timeout: 50 }))).toBeInstanceOf(
      Anthropic.APIConnectionTimeoutError,
    );
  });

  test('stalled_body: headers and half of the body arrive, then nothing', async () => {
    rule('stalled_body');
    const abort = new AbortController();
    const response = await fetch(`${sandbox.url}/ollama/api/chat`, {
      method: 'POST',
      body: JSON.stringify({ ...llama(), stream: false }),
      signal: abort.signal,
    });
    expect(response.status).toBe(200);
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(value!.length).toBe(Math.ceil(Number(response.headers.get('content-length')) / 2));
    const rest = failureOf(reader.read());
    abort.abort();
    expect((await rest).name).toBe('AbortError');
    await inFlight(0);
    expect(sandbox.ledger.generations).toMatchObject([{ outcome: 'stalled_body' }]);
  });

  test('stalled_body: a stream stops in its middle', async () => {
    rule('stalled_body');
    const stream = await anthropic.messages.create({ ...claude(), stream: true });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      if (types.length === 3) setImmediate(() => stream.controller.abort());
    }
    expect(types).toContain('content_block_delta');
    expect(types).not.toContain('message_stop');
    await inFlight(0);
  });

  test.each(Object.keys(CALLS))('reset: %s fails, and is billed', async (call) => {
    rule('reset');
    expect(await failureOf(CALLS[call]!())).toBeInstanceOf(Error);
    expect(sandbox.ledger.generations).toMatchObject([{ outcome: 'reset' }]);
  });

  test.each(Object.keys(CALLS))('malformed_json: %s fails without a status, and is billed', async (call) => {
    rule('malformed_json');
    const failure = await failureOf(CALLS[call]!());
    expect(failure.status ?? failure.status_code).toBeUndefined();
    expect(sandbox.ledger.generations).toMatchObject([{ outcome: 'malformed_json' }]);
  });

  test.each(['chat completions, streamed', 'responses, streamed', 'messages, streamed', 'ollama chat, streamed'])(
    'in_stream: %s gets the error after half of the answer, without a status, and is billed',
    async (call) => {
      rule('overloaded', { in_stream: true });
      const failure = await failureOf(CALLS[call]!());
      expect(failure.status ?? failure.status_code).toBeUndefined();
      expect(failure.message).toMatch(/overloaded/i);
      expect(sandbox.ledger.generations).toMatchObject([{ outcome: 'overloaded' }]);
    },
  );
});

describe('fault rules', () => {
  const ask = (input: string, model = 'm') => openai.responses.create({ model, input });

  test('the first rule that has hits left applies, counted by prompt and model', async () => {
    sandbox.faults.replace([
      { model: '*', kind: 'rate_limit', times: 1 },
      { model: 'openai/m', kind: 'server_error', times: 1 },
    ]);
    expect(await failureOf(ask('one'))).toMatchObject({ status: 429 });
    expect(await failureOf(ask('one'))).toMatchObject({ status: 500 });
    await ask('one');
    expect(await failureOf(ask('two'))).toMatchObject({ status: 429 });
    expect(await failureOf(ask('one', 'n'))).toMatchObject({ status: 429 });
    await ask('one', 'n');
  });

  test('match looks into the last user message', async () => {
    rule('server_error', { match: 'fail me' });
    await ask('let me pass');
    expect(await failureOf(ask('please fail me now'))).toMatchObject({ status: 500 });
  });

  test('share hits about that share of prompts, and always the same', () => {
    rule('reset', { share: 0.25 });
    const keys = Array.from({ length: 2000 }, (_, index) => bookKey(`prompt ${index}`));
    const hits = () => keys.filter((key) => sandbox.faults.take({ model: 'openai/m', key, text: '' }) !== undefined);
    expect(hits().length).toBeGreaterThan(420);
    expect(hits().length).toBeLessThan(580);
    expect(hits()).toEqual(hits());
  });
});

describe('strictness', () => {
  const status = async (promise: Promise<unknown>) => (await failureOf(promise)).status;
  const bare = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(sandbox.url + path, { method: 'POST', body: JSON.stringify(body), headers });
    return { status: response.status, body: (await response.json()) as object };
  };

  test('an unknown route is 404 in the vendor’s shape', async () => {
    const key = { authorization: 'Bearer key' };
    expect(await bare('/openai/v1/other', {}, key)).toMatchObject({
      status: 404,
      body: { error: { type: 'invalid_request_error', param: null, code: null } },
    });
    expect(await bare('/anthropic/v1/other', {}, key)).toMatchObject({
      status: 404,
      body: { type: 'error', error: { type: 'not_found_error' } },
    });
    expect(await bare('/ollama/api/other', {})).toMatchObject({ status: 404, body: { error: expect.any(String) } });
    expect((await bare('/other', {})).status).toBe(404);
    expect((await bare('/openai/constructor', {}, key)).status).toBe(404);
  });

  test('a missing key is 401, where x-api-key does as well', async () => {
    expect(await bare('/openai/v1/responses', { model: 'm', input: 'x' })).toMatchObject({
      status: 401,
      body: { error: { code: 'invalid_api_key' } },
    });
    expect(await bare('/anthropic/v1/messages', claude())).toMatchObject({
      status: 401,
      body: { error: { type: 'authentication_error' } },
    });
    const headers = { 'x-api-key': 'key', 'anthropic-version': '2026-10-21' };
    expect((await bare('/anthropic/v1/messages', claude(), headers)).status).toBe(200);
  });

  test('a missing model or messages, and JSON that is none, are 400', async () => {
    const key = { authorization: 'Bearer key', 'anthropic-version': '2026-10-21' };
    for (const path of [
      '/openai/v1/chat/completions',
      '/openai/v1/responses',
      '/openai/v1/embeddings',
      '/anthropic/v1/messages',
      '/ollama/api/chat',
      '/ollama/api/embed',
    ]) {
      expect((await bare(path, { messages: user('x'), input: 'x', max_tokens: 1 }, key)).status).toBe(400);
      expect((await bare(path, { model: 'm', max_tokens: 1 }, key)).status).toBe(400);
      expect((await fetch(sandbox.url + path, { method: 'POST', body: '{', headers: key })).status).toBe(400);
    }
    expect(sandbox.ledger.generations).toEqual([]);
  });

  test('Anthropic requires max_tokens and a version, and refuses sampling parameters and what it does not know', async () => {
    const { max_tokens: _limit, ...unlimited } = claude();
    expect(await status(anthropic.messages.create(unlimited as ReturnType<typeof claude>))).toBe(400);
    for (const extra of [{ temperature: 1 }, { top_p: 1 }, { top_k: 1 }, { response_format: { type: 'text' } }]) {
      expect(await status(anthropic.messages.create({ ...claude(), ...extra }))).toBe(400);
    }
    expect((await bare('/anthropic/v1/messages', claude(), { authorization: 'Bearer key' })).status).toBe(400);
  });

  test('a conversation may begin with the assistant', async () => {
    const greeted = [{ role: 'assistant' as const, content: 'How can I help?' }, ...claude().messages];
    expect(await anthropic.messages.create({ ...claude(), messages: greeted })).toMatchObject({ stop_reason: 'end_turn' });
  });

  test('OpenAI refuses parameters that it does not know', async () => {
    const failure = await failureOf(openai.chat.completions.create({ ...chat(), top_k: 1 } as never));
    expect(failure).toMatchObject({ status: 400, param: 'top_k', code: 'unknown_parameter' });
  });

  test('more than 20 MB are 413', async () => {
    expect(await status(openai.responses.create({ model: 'm', input: 'x'.repeat(21 * 1024 * 1024) }))).toBe(413);
  });
});

describe('the ledger', () => {
  test('records what was billed, and the ids billed twice', async () => {
    const ask = (id: string) =>
      openai.responses.create({ model: 'gpt-6-luna', input: PROMPT }, { headers: { 'x-client-request-id': id } });
    await ask('job1.1.1');
    await ask('job1.1.1');
    await ask('job2.1.1');
    await ollama.chat(llama());
    expect((await control('GET', 'ledger/summary')).body).toEqual({
      generations: 4,
      by_model: { 'openai/gpt-6-luna': 3, 'ollama/llama3.1:8b': 1 },
      by_outcome: { delivered: 4 },
      duplicates: ['job1.1.1'],
    });
    const lines = (await (await fetch(`${sandbox.url}/_sandbox/ledger`)).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(4);
    expect(lines[2]).toEqual({
      at: expect.any(String),
      model: 'openai/gpt-6-luna',
      key: bookKey(PROMPT),
      client_request_id: 'job2.1.1',
      ...USAGE,
      outcome: 'delivered',
    });
    expect((await control('DELETE', 'ledger')).body).toMatchObject({ generations: 0 });
  });

  test('a client that leaves before the answer is billed, and nobody waits for it', async () => {
    sandbox.settings.change({ latency_ms: 3_600_000 });
    const abort = new AbortController();
    const failure = failureOf(CALLS['messages']!(abort.signal));
    await inFlight(1);
    abort.abort();
    await failure;
    await inFlight(0);
    expect(sandbox.ledger.generations).toMatchObject([{ outcome: 'abandoned' }]);
  });
});

describe('the control API', () => {
  test('holds calls in flight and lets them go', async () => {
    await control('PUT', 'settings', { hold: true });
    const calls = [CALLS['messages']!(), CALLS['responses']!(), CALLS['ollama chat']!()];
    await inFlight(3);
    expect((await control('GET', 'health')).body).toEqual({
      status: 'ok',
      in_flight: 3,
      book_entries: 3,
      latency_ms: null,
      hold: true,
    });
    await control('PUT', 'settings', { hold: false });
    await Promise.all(calls);
    expect(sandbox.ledger.summary().by_outcome).toEqual({ delivered: 3 });
  });

  test('a latency setting goes before the book’s, until it is taken back', async () => {
    sandbox.book.add({ model: '*', key: bookKey('slow'), answer: 'slow', latency_ms: 3_600_000 });
    await control('PUT', 'settings', { latency_ms: 0 });
    await ollama.chat(llama('slow'));
    await control('PUT', 'settings', { latency_ms: null });
    const abort = new AbortController();
    const waiting = failureOf(abortableOllama(abort.signal).chat(llama('slow')));
    await inFlight(1);
    abort.abort();
    await waiting;
  });

  test('replaces fault rules, and puts a new one before them', async () => {
    await control('PUT', 'faults', [{ model: '*', kind: 'reset' }]);
    await control('POST', 'faults', { model: 'openai/m', kind: 'auth', times: 2 });
    expect((await control('GET', 'faults')).body).toEqual([
      { model: 'openai/m', kind: 'auth', times: 2 },
      { model: '*', kind: 'reset' },
    ]);
  });

  test('says what is wrong with a rule, and changes nothing', async () => {
    const refused = await control('PUT', 'faults', [{ model: '*', kind: 'explode' }]);
    expect(refused).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('[0].kind') } } });
    expect(await control('POST', 'faults', { model: '*', kind: 'auth', sometimes: 1 })).toMatchObject({ status: 400 });
    const slow = await control('POST', 'faults', { model: '*', kind: 'slow' });
    expect(slow).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('at latency_ms') } } });
    expect(sandbox.faults.rules).toEqual([]);
  });

  test('appends lines to the book, or none if one is wrong', async () => {
    const lines = [{ model: 'openai/m', key: bookKey('new'), answer: 'fresh' }].map((line) => JSON.stringify(line)).join('\n');
    const refused = await control('PUT', 'book', `${lines}\n{"model":"m"}\n`);
    expect(refused.body).toMatchObject({ error: { message: expect.stringContaining('line:2') } });
    expect(sandbox.book.size).toBe(3);
    expect((await control('PUT', 'book', `${lines}\n`)).body).toEqual({ book_entries: 4 });
    expect((await openai.responses.create({ model: 'm', input: 'new' })).output_text).toBe('fresh');
  });

  test('names the routes that there are', async () => {
    expect(await control('GET', 'other')).toMatchObject({
      status: 404,
      body: { error: { message: expect.stringContaining('PUT /_sandbox/faults') } },
    });
  });
});

test('the program loads books and faults, says its port, and stops when told', async () => {
  const directory = temporaryDirectory();
  const book = join(directory, 'book.jsonl');
  const faults = join(directory, 'faults.json');
  writeFileSync(book, `${JSON.stringify(ENTRIES[0])}\n\n`);
  writeFileSync(faults, '[{"model":"openai/bad","kind":"auth"}]');
  const child = fork(join(import.meta.dirname, 'main.ts'), ['--book', book, '--faults', faults], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [[ready], [line]] = await Promise.all([once(child, 'message'), once(child.stdout!, 'data')]);
  expect(ready).toEqual({ event: 'ready', port: expect.any(Number) });
  expect(JSON.parse(String(line))).toEqual({ event: 'sandbox-listening', port: ready.port });
  const client = new OpenAI({ apiKey: 'key', baseURL: `http://127.0.0.1:${ready.port}/openai/v1`, maxRetries: 0 });
  expect((await client.responses.create({ model: 'm', input: PROMPT })).output_text).toBe(ANSWER);
  expect(await failureOf(client.responses.create({ model: 'bad', input: PROMPT }))).toMatchObject({ status: 401 });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('the program ends with who started it, and names a port that is taken', async () => {
  const start = (...args: string[]) =>
    fork(join(import.meta.dirname, 'main.ts'), args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const first = start();
  const [{ port }] = (await once(first, 'message')) as [{ port: number }];
  const second = start('--port', String(port));
  const [[said], exited] = await Promise.all([once(second.stderr!, 'data'), once(second, 'exit')]);
  expect(String(said)).toContain(`port ${port} is taken`);
  expect(exited).toEqual([1, null]);
  first.disconnect();
  expect(await once(first, 'exit')).toEqual([0, null]);
});
