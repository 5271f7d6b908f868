import { ModelCallError } from '@upshift/contracts';
import type { CallError, ChatInput, JobInput, UnifiedResponse } from '@upshift/contracts';
import { createModelClient } from '@upshift/models';
import type { ModelCall } from '@upshift/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startFakeServer } from './fake-server.ts';
import type { ReceivedCall } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

/** An answer that a backend is told to give. */
export interface TaughtAnswer {
  text: string;
  toolCalls?: { name: string; arguments: Record<string, unknown> }[];
  finishReason?: 'length' | 'refusal';
  inputTokens: number;
  outputTokens: number;
}

/** A server that speaks a vendor's protocol, and can be taught answers to prompts. */
export interface Backend {
  url: string;
  teach(prompt: string, answer: TaughtAnswer): void;
  calls: ReceivedCall[];
  close(): Promise<void>;
}

export function chatInput(prompt: string, settings: Partial<ChatInput> = {}): ChatInput {
  return { messages: [{ role: 'user', content: prompt }], tools: [], response_format: null, ...settings };
}

/** Calls with bounds that no healthy server reaches. */
export function callModel(
  setup: AdapterSetup,
  url: string,
  input: JobInput,
  bounds: Partial<ModelCall> = {},
): Promise<UnifiedResponse> {
  const call = {
    modelId: setup.modelId,
    input,
    maxOutputTokens: 256,
    drop: [],
    contextWindow: 8192,
    requestId: 'job_1.0.1',
    timeoutMs: 10_000,
    idleTimeoutMs: 5_000,
    signal: new AbortController().signal,
  };
  return createModelClient([setup.settings(url)]).call({ ...call, ...bounds });
}

/** What an adapter sends to its vendor for this input. */
export async function bodySent(name: string, input: JobInput): Promise<Record<string, unknown>> {
  const setup = setups.find((one) => one.name === name)!;
  const server = await startFakeServer((_, response) => void response.end(setup.stream.frames.join('')));
  await callModel(setup, server.url, input);
  await server.close();
  return server.calls[0]!.body;
}

/** What a call failed with. Anything but a ModelCallError fails the test. */
export async function callErrorOf(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => new Error('the call did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelCallError)) throw error;
  return error.error;
}

const weather = {
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const conversationWithTools: ChatInput['messages'] = [
  { role: 'user', content: 'What is the weather in Rome and Oslo?' },
  {
    role: 'assistant',
    content: 'I look it up.',
    tool_calls: [
      { id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
      { id: 'c2', name: 'weather', arguments: '{"city":"Oslo"}' },
    ],
  },
  { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
  { role: 'tool', tool_call_id: 'c2', content: 'snow' },
  { role: 'user', content: 'And tomorrow?' },
];

const pixel = 'iVBORw0KGgo=';

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };

/** What every adapter must do with answers, against any backend that speaks its protocol; `lacks` names what a backend can not say. */
export function describeAnswers(
  setup: AdapterSetup,
  startBackend: () => Promise<Backend>,
  lacks: ('usage' | 'length')[] = [],
): void {
  describe(`${setup.name}: answers`, () => {
    let backend: Backend;
    beforeAll(async () => (backend = await startBackend()));
    afterAll(() => backend.close());

    const ask = (input: JobInput, bounds: Partial<ModelCall> = {}) => callModel(setup, backend.url, input, bounds);
    const received = (): ReceivedCall => backend.calls.at(-1) as ReceivedCall;

    test.skipIf(lacks.includes('usage'))('a text comes back whole, with its usage', async () => {
      const text = 'Paris is the capital of France, and has been for a long time.';
      backend.teach('What is the capital of France?', { text, inputTokens: 12, outputTokens: 34 });

      expect(await ask(chatInput('What is the capital of France?'))).toMatchObject({
        text,
        toolCalls: [],
        vectors: null,
        finishReason: 'stop',
        usage: { inputTokens: 12, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 34 },
      });
    });

    test('the request id, the model and the cap on the output arrive', async () => {
      backend.teach('Say hello.', { text: 'hello', inputTokens: 1, outputTokens: 1 });
      await ask(chatInput('Say hello.'), { maxOutputTokens: 77, requestId: 'job_9.1.2' });

      expect(received().headers['x-client-request-id']).toBe('job_9.1.2');
      expect(received().body['model']).toBe(setup.modelId.slice(setup.modelId.indexOf('/') + 1));
      expect(setup.body.maxOutputTokens(received().body)).toBe(77);
    });

    test('the system prompt arrives where the vendor wants it', async () => {
      backend.teach('Who are you?', { text: 'a poet', inputTokens: 1, outputTokens: 1 });
      await ask(
        chatInput('x', {
          messages: [
            { role: 'system', content: 'You are a poet.' },
            { role: 'user', content: 'Who are you?' },
          ],
        }),
      );
      expect(setup.body.system(received().body)).toBe('You are a poet.');
    });

    test('a conversation with tool calls and their results arrives in order', async () => {
      backend.teach('And tomorrow?', { text: 'rain', inputTokens: 1, outputTokens: 1 });
      await ask(chatInput('', { messages: conversationWithTools, tools: [weather] }));

      expect(setup.conversationSent(received().body)).toEqual(setup.conversationExpected);
      expect(setup.body.tools(received().body)).toEqual(['weather']);
    });

    test('a tool call comes back with an id and its arguments as JSON text', async () => {
      const toolCall = { name: 'weather', arguments: { city: 'Rome', days: [1, 2, 3], unit: 'celsius' } };
      backend.teach('Weather in Rome, please.', { text: '', toolCalls: [toolCall], inputTokens: 5, outputTokens: 6 });

      const answer = await ask(chatInput('Weather in Rome, please.', { tools: [weather] }));
      expect(answer.finishReason).toBe('tool_calls');
      expect(answer.toolCalls).toEqual([
        { id: expect.stringMatching(/./) as string, name: 'weather', arguments: expect.any(String) as string },
      ]);
      expect(JSON.parse(answer.toolCalls[0]?.arguments ?? '')).toEqual(toolCall.arguments);
    });

    test('parallel tool calls come back in their order, each with an id of its own', async () => {
      const toolCalls = [
        { name: 'weather', arguments: { city: 'Rome' } },
        { name: 'weather', arguments: { city: 'Oslo' } },
      ];
      backend.teach('Weather in Rome and in Oslo, please.', { text: '', toolCalls, inputTokens: 5, outputTokens: 6 });

      const answer = await ask(chatInput('Weather in Rome and in Oslo, please.', { tools: [weather] }));
      expect(answer.toolCalls.map((call) => JSON.parse(call.arguments) as unknown)).toEqual([{ city: 'Rome' }, { city: 'Oslo' }]);
      expect(new Set(answer.toolCalls.map(({ id }) => id)).size).toBe(2);
    });

    test('an image arrives with its text', async () => {
      backend.teach('What is on it?', { text: 'a dot', inputTokens: 1, outputTokens: 1 });
      const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${pixel}` } };
      const content = [{ type: 'text' as const, text: 'What is on it?' }, image];
      await ask(chatInput('', { messages: [{ role: 'user', content }] }));

      expect(JSON.stringify(received().body)).toContain(pixel);
      expect(JSON.stringify(received().body)).toContain('What is on it?');
    });

    test('a JSON schema arrives, and the JSON comes back as text', async () => {
      backend.teach('Name a city.', { text: '{"city":"Oslo"}', inputTokens: 1, outputTokens: 1 });
      const answer = await ask(chatInput('Name a city.', { response_format: { type: 'json_schema', name: 'answer', schema } }));

      expect(answer.text).toBe('{"city":"Oslo"}');
      expect(setup.body.schema(received().body)).toEqual(schema);
    });

    test('sampling parameters arrive as far as the vendor has them', async () => {
      backend.teach('Be creative.', { text: 'moo', inputTokens: 1, outputTokens: 1 });
      await ask(chatInput('Be creative.', { temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'] }));
      expect(setup.body.sampling(received().body)).toEqual(setup.samplingSent);
    });

    test('a dropped parameter is never sent', async () => {
      backend.teach('Be precise.', { text: 'moo', inputTokens: 1, outputTokens: 1 });
      const settings = { temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'], reasoning_effort: 'high' } as const;
      const drop = ['temperature', 'top_p', 'seed', 'stop', 'reasoning_effort'];
      await ask(chatInput('Be precise.', { ...settings, stop: ['END'] }), { drop });

      expect(setup.body.sampling(received().body)).toEqual({});
      expect(JSON.stringify(received().body)).not.toMatch(/effort|think|END/);
    });

    test.skipIf(lacks.includes('length'))('an answer cut off at the cap says so', async () => {
      backend.teach('Tell me everything.', { text: 'First of all,', finishReason: 'length', inputTokens: 1, outputTokens: 1 });
      expect(await ask(chatInput('Tell me everything.'))).toMatchObject({ text: 'First of all,', finishReason: 'length' });
    });
  });
}
