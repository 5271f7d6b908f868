import type { ProblemView } from '@upshift/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { compileSchema } from '../../packages/routing/src/checks/json-schema.ts';
import { startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { hasEnded } from './job-api.ts';

const BODY_LIMIT = 20_000;
const input = { prompt: 'Hello.' };

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    start: ['intake', 'classifier', 'scorer', 'worker-economy', 'worker-standard'],
    configure: (config) => {
      config.intake = { ...config.intake, body_limit_bytes: BODY_LIMIT };
    },
  });
});

afterAll(() => fleet?.close());

interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: object;
  responses: Record<string, { description: string }>;
}

type OpenApi = Record<string, unknown> & {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
};

test('the API describes itself: every reference resolves, and what it returns is as described', async () => {
  const document = (await fleet.api.send('/openapi.json')).body as unknown as OpenApi;
  const job = await fleet.api.run({ input, task: 'classification', checks: [{ type: 'length', max_words: 1000 }] });
  const trail = await fleet.api.trail(job.id);
  const headers = { 'content-type': 'application/json' };
  const problem = (await fleet.api.send('/v1/jobs', { method: 'POST', headers, body: '{"input":{}}' })).body;

  expect(document['openapi']).toMatch(/^3\.1\./);
  for (const reference of referencesOf(document))
    expect({ reference, found: resolve(document, reference) !== undefined }).toEqual({ reference, found: true });
  for (const [name, value] of Object.entries({ Job: job, Trail: { data: trail }, Problem: problem, JobRequest: { input } })) {
    const validate = validatorOf(document, name);
    expect({ name, valid: validate(value), errors: validate.errors }).toEqual({ name, valid: true, errors: null });
  }
  expect(Object.keys(document.components.schemas['Job']?.['properties'] as object).toSorted()).toEqual(
    Object.keys(job).toSorted(),
  );
});

test('the API describes every status that a post may be answered with', async () => {
  const document = (await fleet.api.send('/openapi.json')).body as unknown as OpenApi;
  const described = Object.keys(document.paths['/v1/jobs']?.['post']?.responses ?? {});
  expect(described).toEqual(expect.arrayContaining(['200', '202', '400', '413', '415', '422', '503']));
});

/** The operations of a method, with an address of each at which there is something. */
async function operationsOf(method: string): Promise<{ path: string; url: string; operation: Operation }[]> {
  const { paths } = (await fleet.api.send('/openapi.json')).body as unknown as OpenApi;
  const { id } = await fleet.api.run({ input, task: 'classification' });
  const webhook = JSON.stringify({ name: `hook-${method}`, url: 'https://example.com/hook' });
  const headers = { 'content-type': 'application/json' };
  expect((await fleet.api.send('/v1/webhooks', { method: 'POST', headers, body: webhook })).status).toBe(201);
  return Object.entries(paths).flatMap(([path, { [method]: operation }]) => {
    const url = path.replace('{id}', id).replace('{name}', `hook-${method}`);
    return operation ? [{ path, url, operation }] : [];
  });
}

test('the API describes, wherever it takes a body, how a bad one is refused', async () => {
  const withBody = (await operationsOf('post')).filter(({ operation }) => operation.requestBody);
  expect(withBody.map(({ path }) => path)).toContain('/v1/webhooks/{name}/redeliver');
  const bad = [
    { body: '{"', type: 'application/json' },
    { body: `"${'x'.repeat(BODY_LIMIT)}"`, type: 'application/json' },
    { body: '{}', type: 'text/plain' },
  ];
  for (const { path, url, operation } of withBody)
    for (const { body, type } of bad) {
      const reply = await fleet.api.send(url, { method: 'POST', headers: { 'content-type': type }, body });
      expect([400, 413, 415]).toContain(reply.status);
      const described = operation.responses[reply.status]?.description;
      expect({ path, described }).toEqual({ path, described: expect.stringContaining(reply.body.code) });
    }
});

test('the API describes all that may stand in a query, and that the rest is refused', async () => {
  const refusing: string[] = [];
  for (const { path, url, operation } of await operationsOf('get')) {
    const response = await fetch(`${fleet.url('intake')}${url}?nonsense=1`);
    const text = await response.text();
    const described = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    const known = response.status === 400 ? /known here; known: (.+)/.exec((JSON.parse(text) as ProblemView).detail)?.[1] : '';
    expect({ path, described: described.toSorted() }).toEqual({ path, described: known?.split(', ').filter(Boolean).toSorted() });
    if (response.status !== 400) continue;
    refusing.push(path);
    expect(operation.responses[400]?.description).toContain('invalid_query');
  }
  expect(refusing.toSorted()).toEqual(['/v1/events', '/v1/jobs', '/v1/savings', '/v1/webhooks/{name}/deliveries']);
});

test('the API describes the lines that answer a bulk request', async () => {
  const validate = validatorOf((await fleet.api.send('/openapi.json')).body as unknown as OpenApi, 'BulkLine');
  const headers = { 'content-type': 'application/x-ndjson' };
  const body = `${JSON.stringify({ input })}\n{"input":7}\n`;
  const response = await fetch(`${fleet.url('intake')}/v1/jobs`, { method: 'POST', headers, body });
  const lines = (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string });
  expect(lines.map((line) => validate(line))).toEqual([true, true]);
  expect(validate({ line: 1 })).toBe(false);
  await fleet.api.until(lines[0]!.id, hasEnded);
});

function validatorOf({ components }: OpenApi, name: string): ReturnType<typeof compileSchema> {
  return compileSchema({ $ref: `#/components/schemas/${name}`, components });
}

function referencesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : referencesOf(inner)));
}

function resolve(document: unknown, reference: string): unknown {
  const steps = reference.replace(/^#\//, '').split('/');
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
}
