import type { ServerResponse } from 'node:http';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { callErrorOf, callModel, chatInput } from './conformance.ts';
import { startFakeServer } from './fake-server.ts';
import type { FakeServer } from './fake-server.ts';
import { setups } from './setups.ts';
import type { AdapterSetup } from './setups.ts';

const prompt = 'My secret plan is to open a bakery.';

/** Answers made by hand, byte by byte: what vendors may send but no healthy mock does. */
for (const setup of setups) {
  describe(`${setup.name}: on the wire`, () => {
    let server: FakeServer;
    let answer: (response: ServerResponse) => void;
    beforeAll(async () => (server = await startFakeServer((_, response) => answer(response))));
    afterAll(() => server.close());

    const ask = (how: typeof answer, bounds?: Parameters<typeof callModel>[3]): ReturnType<typeof callModel> => {
      answer = how;
      return callModel(setup, server.url, chatInput(prompt), bounds);
    };
    const streamed = (frames: string[]) => (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': setup.stream.contentType }).end(frames.join(''));
    };

    test('cached tokens are within the input, reasoning within the output', async () => {
      expect(await ask(streamed(setup.stream.frames))).toMatchObject({ text: 'ok', usage: setup.stream.usage });
    });

    test('missing usage is unknown, never 0', async () => {
      expect(await ask(streamed(setup.stream.framesWithoutUsage))).toMatchObject({
        text: 'ok',
        finishReason: 'stop',
        usage: null,
      });
    });

    test('frames cut in the middle of a character come back whole', async () => {
      const bytes = Buffer.from(setup.stream.frames.join('').replaceAll('"ok"', '"naïve 😀"'));
      const answered = await ask((response) => {
        response.writeHead(200, { 'content-type': setup.stream.contentType });
        for (const byte of bytes) response.write(Buffer.from([byte]));
        response.end();
      });
      expect(answered.text).toBe('naïve 😀');
    });

    test('an answer that is whole is given, though its server goes on holding the stream', async () => {
      const held = (response: ServerResponse): unknown =>
        response.writeHead(200, { 'content-type': setup.stream.contentType }).write(setup.stream.frames.join(''));
      expect(await ask(held, { idleTimeoutMs: 500 })).toMatchObject({ text: 'ok', usage: setup.stream.usage });
    });

    test('a stream that ends without a finish reason is no answer', async () => {
      const half = setup.stream.frames.slice(0, 1);
      expect(await callErrorOf(ask(streamed(half)))).toMatchObject({
        code: 'provider_error',
        retryable: true,
        maybeBilled: true,
      });
    });

    test('an empty body is no answer', async () => {
      expect(await callErrorOf(ask(streamed([])))).toMatchObject({ code: 'provider_error', maybeBilled: true });
    });

    test('an error event in the stream is no answer', async () => {
      const error = await callErrorOf(ask(streamed([...setup.stream.frames.slice(0, 1), setup.stream.errorFrame])));
      expect(error).toMatchObject({ code: 'provider_error', maybeBilled: true, status: null });
    });

    test('bytes that show life keep a slow answer going, past the longest silence', async () => {
      const beat = setup.name === 'ollama' ? '\n' : ': still here\n\n';
      let beats = 0;
      const answered = await ask(
        (response) => {
          response.writeHead(200, { 'content-type': setup.stream.contentType });
          const timer = setInterval(() => {
            beats += 1;
            if (beats < 7) response.write(beat);
            else response.end(setup.stream.frames.join(''), () => clearInterval(timer));
          }, 100);
        },
        { idleTimeoutMs: 500 },
      );
      expect(answered.text).toBe('ok');
    });

    test('an answer of which no more comes than its headers ends long before the deadline', async () => {
      const silent = (response: ServerResponse): unknown =>
        response.writeHead(200, { 'content-type': setup.stream.contentType }).flushHeaders();
      const error = await callErrorOf(ask(silent, { idleTimeoutMs: 100 }));
      expect(error).toMatchObject({ code: 'timeout', maybeBilled: true });
      expect(error.message).toContain('silent');
    });

    test.each([
      [400, 'invalid_request', false, false],
      [401, 'provider_denied', false, false],
      [402, 'provider_denied', false, false],
      [403, 'provider_denied', false, false],
      [404, 'model_not_found', false, false],
      [408, 'timeout', true, true],
      [409, 'provider_error', true, false],
      [413, 'context_too_long', false, false],
      [422, 'invalid_request', false, false],
      [429, 'rate_limited', true, false],
      [500, 'provider_error', true, false],
      [502, 'provider_error', true, true],
      [503, 'overloaded', true, false],
      [504, 'timeout', true, true],
      [529, 'overloaded', true, false],
    ])('status %i becomes %s, retryable: %s, maybe billed: %s', async (status, code, retryable, maybeBilled) => {
      const body = setup.errorBody('some_code', `You said: ${prompt} and your key is sk-secret`);
      const error = await callErrorOf(ask((response) => refuse(response, status, body)));
      expect(error).toMatchObject({ code, retryable, maybeBilled, status });
      expect(JSON.stringify(error)).not.toMatch(/bakery|sk-secret/);
    });

    test.each([
      ['retry-after-ms', '1500', 1500],
      ['retry-after', '3', 3000],
      ['retry-after', '0', 0],
      ['retry-after', 'soon', null],
      // A day, and the time of day in seconds since 1970.
      ['retry-after', '86400', 3_600_000],
      ['retry-after', '1764200000', 3_600_000],
      ['retry-after-ms', 'Infinity', 3_600_000],
    ])('%s: %s is a wait of %s ms', async (name, value, retryAfterMs) => {
      const error = await callErrorOf(ask((response) => refuse(response, 429, setup.errorBody('x', 'x'), { [name]: value })));
      expect(error).toMatchObject({ code: 'rate_limited', retryAfterMs });
    });

    test('retry-after may be a date', async () => {
      const date = new Date(Date.now() + 60_000).toUTCString();
      const error = await callErrorOf(
        ask((response) => refuse(response, 503, setup.errorBody('x', 'x'), { 'retry-after': date })),
      );
      expect(error.retryAfterMs).toBeGreaterThan(50_000);
      expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
    });

    test('an input beyond the window is told apart from an invalid one', async () => {
      const { status, label, message } = setup.tooLong;
      const error = await callErrorOf(ask((response) => refuse(response, status, setup.errorBody(label, message))));
      expect(error).toMatchObject({ code: 'context_too_long', retryable: false, maybeBilled: false });
    });

    test.runIf(setup.quota)('an exhausted quota is told apart from a rate limit', async () => {
      const { status = 0, label = '', message = '' } = setup.quota ?? {};
      const error = await callErrorOf(ask((response) => refuse(response, status, setup.errorBody(label, message))));
      expect(error).toMatchObject({ code: 'provider_denied', retryable: false, maybeBilled: false });
      expect(error.message).toContain(label);
    });

    test('an error page in HTML is read by its status', async () => {
      const page = (response: ServerResponse): unknown =>
        response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
      expect(await callErrorOf(ask(page))).toMatchObject({ code: 'provider_error', maybeBilled: true, status: 502 });
    });

    test('an error page in another encoding than UTF-8 is read by its status, and its wait', async () => {
      const page = (response: ServerResponse): unknown =>
        response
          .writeHead(429, { 'content-type': 'text/html; charset=iso-8859-1', 'retry-after': '3' })
          .end(Buffer.from('<h1>Bitte später</h1>', 'latin1'));
      expect(await callErrorOf(ask(page))).toMatchObject({ code: 'rate_limited', maybeBilled: false, retryAfterMs: 3000 });
    });

    test('an error whose body never ends is over at the deadline', async () => {
      const endless = (response: ServerResponse): unknown =>
        response.writeHead(500, { 'content-type': 'application/json' }).write('{"err');
      expect(await callErrorOf(ask(endless, { timeoutMs: 100 }))).toMatchObject({ code: 'timeout', maybeBilled: true });
    });

    test('a connection broken before any answer is maybe billed', async () => {
      const error = await callErrorOf(ask((response) => response.destroy()));
      expect(error).toMatchObject({ code: 'connection_failed', retryable: true, maybeBilled: true });
    });
  });
}

function refuse(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const byName = (name: string): AdapterSetup => setups.find((setup) => setup.name === name) as AdapterSetup;
const pixel = 'iVBORw0KGgo=';
const withImage = (url: string) =>
  chatInput('', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  });

/** What one vendor has and the others do not. */
describe('one vendor only', () => {
  let server: FakeServer;
  let setup: AdapterSetup;
  let answer: (response: ServerResponse) => void;
  beforeAll(async () => (server = await startFakeServer((_, response) => answer(response))));
  afterAll(() => server.close());

  const whole = (response: ServerResponse): unknown =>
    response.writeHead(200, { 'content-type': setup.stream.contentType }).end(setup.stream.frames.join(''));
  const bodySent = async (name: string, input: Parameters<typeof callModel>[2], bounds?: Parameters<typeof callModel>[3]) => {
    setup = byName(name);
    answer = whole;
    await callModel(setup, server.url, input, bounds);
    return server.calls.at(-1)?.body ?? {};
  };
  const replied = (name: string, status: number, body: object) => {
    setup = byName(name);
    answer = (response) => refuse(response, status, body);
    return callErrorOf(callModel(setup, server.url, chatInput(prompt)));
  };

  test('Ollama is told the context window', async () => {
    expect(await bodySent('ollama', chatInput('x'), { contextWindow: 4096 })).toMatchObject({ options: { num_ctx: 4096 } });
  });

  test('Ollama gets an image as base64', async () => {
    expect(await bodySent('ollama', withImage(`data:image/png;base64,${pixel}`))).toMatchObject({
      messages: [{ images: [pixel] }],
    });
  });

  test('an image whose base64 is the name of a local file is not that file', async () => {
    // All its characters are base64; the SDK alone would read and send the file.
    const bytes = Buffer.from('/etc/hosts', 'base64').toString('base64');
    expect(await bodySent('ollama', withImage('data:image/png;base64,/etc/hosts'))).toMatchObject({
      messages: [{ images: [bytes] }],
    });
  });

  test('Ollama is not called with an image that it would have to fetch', async () => {
    const before = server.calls.length;
    const error = await callErrorOf(callModel(byName('ollama'), server.url, withImage('https://example.com/cat.png')));
    expect(error).toMatchObject({ code: 'invalid_request', maybeBilled: false });
    expect(server.calls.length).toBe(before);
  });

  test('Anthropic gets images as blocks', async () => {
    expect(await bodySent('anthropic', withImage(`data:image/png;base64,${pixel}`))).toMatchObject({
      messages: [
        { content: [{ type: 'text' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } }] },
      ],
    });
    expect(await bodySent('anthropic', withImage('https://example.com/cat.png'))).toMatchObject({
      messages: [{ content: [{ type: 'text' }, { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } }] }],
    });
  });

  test('OpenAI gets images by their URL', async () => {
    expect(await bodySent('openai responses', withImage('https://example.com/cat.png'))).toMatchObject({
      input: [{ content: [{ type: 'input_text' }, { type: 'input_image', image_url: 'https://example.com/cat.png' }] }],
    });
  });

  test('reasoning effort goes where each vendor has it, and Anthropic never hears none', async () => {
    const effort = (reasoning_effort: 'none' | 'max') => chatInput('x', { reasoning_effort });
    expect(await bodySent('anthropic', effort('max'))).toMatchObject({ output_config: { effort: 'max' } });
    expect(await bodySent('anthropic', effort('none'))).not.toHaveProperty('output_config');
    expect(await bodySent('openai responses', effort('none'))).toMatchObject({ reasoning: { effort: 'none' } });
    expect(await bodySent('openai chat completions', effort('max'))).toMatchObject({ reasoning_effort: 'max' });
  });

  test('nothing is stored at OpenAI', async () => {
    expect(await bodySent('openai responses', chatInput('x'))).toMatchObject({ store: false });
  });

  test('JSON without a schema is asked of Anthropic in words', async () => {
    expect((await bodySent('anthropic', chatInput('x', { response_format: { type: 'json_object' } })))['system']).toContain(
      'JSON',
    );
  });

  test('broken tool arguments in a conversation do not break the call', async () => {
    const call = { id: 'c1', name: 'weather', arguments: '{"city":' };
    const messages = [
      { role: 'user' as const, content: 'x' },
      { role: 'assistant' as const, content: '', tool_calls: [call] },
    ];
    const input = chatInput('', { messages: [...messages, { role: 'tool', tool_call_id: 'c1', content: 'no' }] });
    expect(await bodySent('anthropic', input)).toMatchObject({
      messages: [{}, { content: [{ type: 'tool_use', input: { unparsed: '{"city":' } }] }, {}],
    });
  });

  test('embeddings come back in the order of the texts, whatever the order of the answer', async () => {
    setup = byName('openai responses');
    const data = [
      { object: 'embedding', index: 1, embedding: [2] },
      { object: 'embedding', index: 0, embedding: [1] },
    ];
    answer = (response) => refuse(response, 200, { object: 'list', data, usage: { prompt_tokens: 3, total_tokens: 3 } });
    expect(await callModel(setup, server.url, { texts: ['a', 'b'] })).toMatchObject({
      vectors: [[1], [2]],
      usage: { inputTokens: 3, outputTokens: 0 },
    });
  });

  test.each([
    ['openai responses', []],
    ['openai responses', [null]],
    ['openai responses', [[]]],
    ['openai responses', ['AACAPw==']],
    ['ollama', []],
    ['ollama', [[1, null]]],
  ])('%s: %j are no vectors of one text', async (name, vectors) => {
    setup = byName(name);
    const data = vectors.map((embedding) => ({ embedding }));
    answer = (response) => refuse(response, 200, { data, embeddings: vectors });
    expect(await callErrorOf(callModel(setup, server.url, { texts: ['a'] }))).toMatchObject({
      code: 'provider_error',
      maybeBilled: true,
    });
  });

  test('Anthropic has no embeddings, and is not called for one', async () => {
    expect(await callErrorOf(callModel(byName('anthropic'), server.url, { texts: ['a'] }))).toMatchObject({
      code: 'invalid_request',
    });
  });

  test.each(['Your credit balance is too low to access the API.', 'This organization has been disabled.'])(
    'what Anthropic says of an account comes as 400 too: %s',
    async (message) => {
      const body = { type: 'error', error: { type: 'invalid_request_error', message } };
      expect(await replied('anthropic', 400, body)).toMatchObject({ code: 'provider_denied' });
    },
  );

  test('an Anthropic overload in the middle of a stream keeps its name, and may be billed', async () => {
    setup = byName('anthropic');
    const error = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    answer = (response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`event: error\ndata: ${error}\n\n`);
    expect(await callErrorOf(callModel(setup, server.url, chatInput(prompt)))).toMatchObject({
      code: 'overloaded',
      maybeBilled: true,
      status: null,
    });
  });

  test('Anthropic’s ramp limit is a wait, whatever its words', async () => {
    const body = {
      type: 'error',
      error: { type: 'rate_limit_error', message: 'Over the usage limit.', details: { error_code: 'ramp_limit_exceeded' } },
    };
    expect(await replied('anthropic', 429, body)).toMatchObject({ code: 'rate_limited', retryable: true });
  });

  test('a policy that stops an OpenAI response is a refusal, not a failure', async () => {
    setup = byName('openai responses');
    const failed = { id: 'r', status: 'failed', error: { code: 'bio_policy', message: 'x' }, output: [] };
    answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`data: ${JSON.stringify({ type: 'response.failed', response: failed })}\n\n`);
    expect(await callModel(setup, server.url, chatInput('x'))).toMatchObject({ finishReason: 'refusal', text: '', usage: null });
  });

  test('a failed OpenAI response is an error with its code', async () => {
    setup = byName('openai responses');
    const failed = { id: 'r', status: 'failed', error: { code: 'rate_limit_exceeded', message: 'x' }, output: [] };
    answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`data: ${JSON.stringify({ type: 'response.failed', response: failed })}\n\n`);
    expect(await callErrorOf(callModel(setup, server.url, chatInput('x')))).toMatchObject({
      code: 'rate_limited',
      maybeBilled: true,
    });
  });
});
