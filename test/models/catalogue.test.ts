import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ModelConfig } from '@upshift/contracts';
import { readCatalogues } from '@upshift/models';
import { disagreements } from '@upshift/routing';
import type { ProviderSettings } from '@upshift/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { exampleModel } from '../routing/example.ts';

const yes = { supported: true };
const no = { supported: false };

/** What the three vendors' models APIs answer, by path. */
const answers: Record<string, unknown> = {
  '/openai/v1/models': {
    object: 'list',
    data: [
      { id: 'gpt-6-luna', object: 'model', created: 1, owned_by: 'openai' },
      { id: 'gpt-5', object: 'model', created: 1, owned_by: 'openai', shutdown_date: '2026-12-11' },
      { id: 'local', object: 'model', created: 1, owned_by: 'vllm', max_model_len: 8192 },
    ],
  },
  '/anthropic/v1/models': {
    data: [
      {
        type: 'model',
        id: 'claude-haiku-5-5',
        max_input_tokens: 1_000_000,
        max_tokens: 128_000,
        retires_at: null,
        capabilities: { image_input: yes, structured_outputs: no },
      },
    ],
    has_more: false,
    first_id: 'claude-haiku-5-5',
    last_id: 'claude-haiku-5-5',
  },
  '/ollama/api/tags': { models: [{ model: 'llama3.1:8b' }, { model: 'qwen3:latest' }] },
  '/ollama/api/show': { capabilities: ['completion'], model_info: { 'llama.context_length': 131_072 } },
};

const server = createServer((request, response) => {
  const answer = answers[(request.url ?? '').replace(/\?.*/, '')];
  response.writeHead(answer ? 200 : 500, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
});
let url = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const provider = (id: string, adapter: ProviderSettings['adapter'], path: string): ProviderSettings => ({
  id,
  adapter,
  api: 'responses',
  unknownParameters: [],
  baseUrl: `${url}${path}`,
  apiKey: 'k',
  off: null,
});
const read = async (id: string, adapter: ProviderSettings['adapter'], path: string, ...models: string[]) =>
  (await readCatalogues([provider(id, adapter, path)], models))[0];

test('OpenAI says names and the dates of their end; compatible servers say their window', async () => {
  expect(await read('openai', 'openai', '/openai/v1')).toMatchObject({
    error: null,
    models: [
      { name: 'gpt-6-luna', contextWindow: null, retiresAt: null },
      { name: 'gpt-5', retiresAt: '2026-12-11' },
      { name: 'local', contextWindow: 8192 },
    ],
  });
});

test('Anthropic says limits and capabilities', async () => {
  const model = { name: 'claude-haiku-5-5', contextWindow: 1_000_000, maxOutputTokens: 128_000 };
  expect(await read('anthropic', 'anthropic', '/anthropic')).toMatchObject({
    models: [{ ...model, capabilities: { vision: true, structured_output: false } }],
  });
});

test('Ollama is asked for the models that are declared and that it has, the latest of a name without a tag', async () => {
  expect(await read('ollama', 'ollama', '/ollama', 'ollama/llama3.1:8b', 'ollama/gone')).toMatchObject({
    models: [{ name: 'llama3.1:8b', contextWindow: 131_072, capabilities: { tools: false, vision: false } }],
  });
  expect(await read('ollama', 'ollama', '/ollama', 'ollama/qwen3')).toMatchObject({ models: [{ name: 'qwen3' }] });
});

test('a provider that fails or is off says why, and the others are still heard', async () => {
  const broken = provider('broken', 'openai', '/nowhere');
  const off = { ...provider('off', 'openai', '/openai/v1'), off: 'OPENAI_API_KEY is not set' };
  const [first, second, third] = await readCatalogues([broken, off, provider('openai', 'openai', '/openai/v1')], []);
  expect(first?.error).toContain('500');
  expect(second?.error).toBe('OPENAI_API_KEY is not set');
  expect(third?.models).toHaveLength(3);
});

test.each([
  ['ollama', '/api/tags', { models: null }],
  ['ollama', '/api/tags', {}],
  ['ollama', '/api/tags', { models: [null] }],
  ['openai', '/models', { data: null }],
  ['openai', '/models', {}],
  ['openai', '/models', { data: [null] }],
  ['anthropic', '/v1/models', { data: null }],
  ['anthropic', '/v1/models', {}],
  ['anthropic', '/v1/models', { data: [{ id: 'm', capabilities: { vision: true } }] }],
] as const)('a list of another shape is no models, and nobody fails of it (%s, %s, %j)', async (adapter, path, body) => {
  answers[`/odd${path}`] = body;
  const heard = await read('odd', adapter, '/odd', 'odd/m');
  expect(heard).toMatchObject({ provider: 'odd', models: [] });
  expect(heard?.error ?? 'unknown shape').toContain('unknown shape');
});

test('a declaration that promises more than the provider does disagrees with it', () => {
  const model = exampleModel('economy', 1, {
    capabilities: ['tools', 'vision'],
    context_window: 16_384,
    max_output_tokens: 4096,
  }) as unknown as ModelConfig;
  const published = { name: 'm', contextWindow: null, maxOutputTokens: null, capabilities: {}, retiresAt: null };
  expect(disagreements(model, published)).toEqual([]);
  expect(disagreements(model, undefined)).toEqual(['is not in the provider’s list']);
  expect(
    disagreements(model, {
      ...published,
      contextWindow: 8192,
      maxOutputTokens: 4096,
      capabilities: { vision: false },
      retiresAt: '2026-12-11',
    }),
  ).toEqual([
    'context_window is 16384, the provider says 8192',
    'vision: the provider says no',
    'will not be served from 2026-12-11 on',
  ]);
});
