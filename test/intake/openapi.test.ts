import { expect, test } from 'vitest';

import { openapi } from '../../services/intake/src/openapi.ts';

interface Operation {
  parameters: { name: string; style?: string; explode?: boolean; schema: Record<string, unknown> }[];
  responses: Record<string, { description: string }>;
}

interface Described {
  paths: Record<string, { get: Operation; post: Operation }>;
  components: { schemas: Record<string, object> };
}

const { paths, components } = openapi() as unknown as Described;

function refusalsOf({ responses }: Operation): string[] {
  return Object.values(responses).flatMap(({ description }) => /^code: (.+)$/.exec(description)?.[1]?.split(', ') ?? []);
}

test('a retry may be refused as a job may, but for what is said of a body', () => {
  const ofSubmission = ['malformed_json', 'body_too_large', 'unsupported_media_type', 'idempotency_key_reused'];
  const ofJob = refusalsOf(paths['/v1/jobs']!.post).filter((code) => !ofSubmission.includes(code));
  expect(refusalsOf(paths['/v1/jobs/{id}/retry']!.post).toSorted()).toEqual([...ofJob, 'not_found', 'job_not_ended'].toSorted());
});

/** Every object that a schema describes, as text. */
function objectsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.values(schema).flatMap(objectsIn);
  return 'properties' in schema ? [JSON.stringify(schema), ...inner] : inner;
}

/** Shorter ones may be alike by chance. */
const LONG = 500;

test('what stands in several schemas is described once, under its name: generators make a type of each description', () => {
  const long = Object.values(components.schemas)
    .flatMap(objectsIn)
    .filter((text) => text.length > LONG);
  expect(long.filter((text, index) => long.indexOf(text) !== index)).toEqual([]);
});

interface Union {
  oneOf?: object[];
  anyOf?: object[];
}

test('the alternatives of a schema are named: some generators can not make types of those that are not', () => {
  const { JobRequest, Check, ExperimentDocument, BulkLine } = components.schemas;
  const { input } = (JobRequest as { properties: { input: Union } }).properties;
  const unions = [input, Check, ExperimentDocument, BulkLine] as Union[];
  const alternatives = unions.flatMap(({ oneOf, anyOf }) => oneOf ?? anyOf ?? []);
  expect(alternatives.length).toBeGreaterThan(2 * unions.length);
  for (const alternative of alternatives) expect(alternative).toEqual({ $ref: expect.stringMatching(/^#.components.schemas./) });
});

test('a filter of metadata is described as an object whose entries are parameters: a generated client would ask for the key KEY', () => {
  for (const path of ['/v1/jobs', '/v1/events']) {
    const filter = paths[path]!.get.parameters.find(({ name }) => name === 'metadata.KEY');
    expect(filter).toMatchObject({ style: 'form', explode: true, schema: { type: 'object' } });
  }
});

test('how much metadata a job may have is described', () => {
  expect(components.schemas['JobRequest']).toHaveProperty('properties.metadata.maxProperties', 16);
});

/** The names of the schemas that a description names, and that those name. */
function namedIn(described: unknown, found = new Set<string>()): Set<string> {
  for (const [, name] of JSON.stringify(described).matchAll(/"#.components.schemas.(\w+)"/g)) {
    if (found.has(name!)) continue;
    found.add(name!);
    namedIn(components.schemas[name!], found);
  }
  return found;
}

test('an answer may have fields that a client does not know yet, and a request none that the API does not know', () => {
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const answers = [...namedIn(operations.map(({ responses }) => responses))];
  expect(answers).toEqual(expect.arrayContaining(['Job', 'TrailEntry', 'Problem', 'ShadowView', 'ChatInputView']));
  expect(answers.filter((name) => JSON.stringify(components.schemas[name]).includes('"additionalProperties":false'))).toEqual([]);
  for (const name of ['JobRequest', 'ChatInput', 'Shadow'])
    expect(components.schemas[name]).toHaveProperty('additionalProperties', false);
  expect([...namedIn(paths)].toSorted()).toEqual(Object.keys(components.schemas).toSorted());
});

test('a shadow that was stored before it could be an audit is as described', () => {
  expect((components.schemas['ShadowView'] as { required: string[] }).required).not.toContain('below_top');
});
