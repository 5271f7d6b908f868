import { runPlainChecks, subjectOf } from '@upshift/routing';
import { expect, test, vi } from 'vitest';

import { compileSchema } from '../../packages/routing/src/checks/json-schema.ts';
import { badCheck } from '../../packages/routing/src/score.ts';
import { answerOf } from './example.ts';

type Schema = Record<string, unknown>;

const outcomeOf = (schema: Schema, text: string) =>
  runPlainChecks([{ type: 'json_schema', schema }], subjectOf('', answerOf(text)))[0]!;

const draft7 = 'http://json-schema.org/draft-07/schema#';
const tuple = [{ type: 'string' }, { type: 'number' }];
/** As TypeBox writes what holds itself. */
const node: Schema = { $id: 'Node', type: 'object', properties: { nodes: { type: 'array', items: { $ref: 'Node' } } } };
const list: Schema = { type: 'array', items: { $ref: '#' } };

test.each<[Schema, string, string | null]>([
  [{ multipleOf: 0.01 }, '19.99', null],
  [{ multipleOf: 0.01 }, '123456.78', null],
  [{ multipleOf: 0.01 }, '19.995', 'the answer must be multiple of 0.01'],
  [{ multipleOf: 0.1 }, '-1234567.1', null],
  [{ multipleOf: 0.1 }, '0.30000000000000004', null],
  [{ multipleOf: 1 }, '12345678901234567', null],
  [{ multipleOf: 1 }, '1.0000001', 'the answer must be multiple of 1'],
  [{ multipleOf: 1 }, '1234567890.5', 'the answer must be multiple of 1'],
  [{ multipleOf: 1_000_000 }, '1', 'the answer must be multiple of 1000000'],
  [{ multipleOf: 1_000_000 }, '0', null],
  [{ multipleOf: 1_000_000, $schema: draft7 }, '3000000', null],
  [{ multipleOf: 1 }, '"1.5"', null],
  [{ pattern: '^[A-Z]{3}$' }, '"ABC"', null],
  [{ pattern: '^[A-Z]{3}$' }, '"ABC\\nx"', 'the answer must match pattern "^[A-Z]{3}$"'],
  [{ $schema: draft7, items: tuple }, '["a", 1]', null],
  [{ $schema: draft7, items: tuple }, '["a", "b"]', '/1 must be number'],
  [{ $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: tuple }, '["a", "b"]', '/1 must be number'],
  [{ prefixItems: tuple }, '["a", "b"]', '/1 must be number'],
  [{ uniqueItems: true }, '[{"a": 1, "b": [2]}, {"a": 1}, 1, "1", null, [], {}]', null],
  [{ uniqueItems: true }, '[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', 'the answer must NOT have duplicate items'],
  [{ uniqueItems: false }, '[1, 1]', null],
  [{ format: 'url' }, '"https://example.com/a?b=c#d"', null],
  [{ format: 'url' }, '"mailto:ada@example.com"', 'the answer must match format "url"'],
  [{ format: 'url' }, '"https://exa mple.com"', 'the answer must match format "url"'],
  [{ properties: { constructor: { type: 'string' } } }, '{}', null],
  [{ required: ['constructor'] }, '{}', "the answer must have required property 'constructor'"],
  [{ required: ['constructor'] }, '{"constructor": "Ferrari"}', null],
  [node, '{"nodes": [{"nodes": []}]}', null],
  [node, '{"nodes": [{"nodes": 1}]}', '/nodes/0/nodes must be array'],
  [{ $id: 'https://example.com/a.json', items: { $ref: 'a.json#/$defs/b' }, $defs: { b: { type: 'null' } } }, '[null]', null],
  [{ $schema: draft7, ...node }, '{"nodes": [{"nodes": 1}]}', '/nodes/0/nodes must be array'],
  [{ additionalProperties: false }, '{"a": 1}', 'the answer must NOT have additional properties: "a"'],
  [{ unevaluatedProperties: false }, '{"a": 1}', 'the answer must NOT have unevaluated properties: "a"'],
  [{ items: { enum: ['a', 1] } }, '["b"]', '/0 must be equal to one of the allowed values: ["a",1]'],
  [{ const: null }, '1', 'the answer must be equal to constant: null'],
  [list, '[[], [[]]]', null],
  [list, '['.repeat(20_000) + ']'.repeat(20_000), 'the answer is nested too deeply'],
  [{ uniqueItems: true }, '['.repeat(20_000) + ']'.repeat(20_000), 'the answer is nested too deeply'],
])('by %j, %s: %s', (schema, text, problem) => {
  const { passed, reason } = outcomeOf(schema, text);
  expect([passed, reason]).toEqual([problem === null, problem ?? 'fits the schema']);
});

test.each<Schema>([{ $ref: '#' }, { allOf: [{ $ref: '#' }] }, { type: 'object', anyOf: [{ $ref: '#' }] }])(
  'the schema %j, which has no end, is refused',
  (schema) => {
    expect(() => compileSchema(schema)).toThrow('refers to itself without end');
  },
);

test('an $id that is no text is refused in plain words', () => {
  expect(() => compileSchema({ $id: 5 })).toThrow('$id must be a text');
});

test('patterns that would be tried for seconds are refused', () => {
  const pattern = String.raw`\pL{1000}`.repeat(6);
  expect(() => compileSchema({ pattern })).toThrow('repeats too much: it has 6002 steps, and may have 5000');
  expect(badCheck({ type: 'regex', pattern }, 'checks[0]')).toEqual([
    { field: 'checks[0].pattern', value: pattern, message: 'repeats too much: it has 6002 steps, and may have 5000' },
  ]);
  const many = Array.from({ length: 60 }, (_, index) => ({ pattern: `.{1000}${index}` }));
  expect(() => compileSchema({ anyOf: many })).toThrow('its patterns repeat too much: they may have 50000 steps together');
  expect(compileSchema({ pattern: '^.{1,1000}$' })('x')).toBe(true);
});

test('a reason is no longer than anybody reads, whatever an answer holds', () => {
  const { reason } = outcomeOf({ additionalProperties: { type: 'null' } }, JSON.stringify({ ['a'.repeat(50_000)]: 1 }));
  expect(reason).toBe(`/${'a'.repeat(1999)}`);
});

test('a format that is not known says nothing, in the log neither', () => {
  const warned = vi.spyOn(console, 'warn');
  expect(outcomeOf({ format: 'color' }, '"red"').passed).toBe(true);
  expect(warned).not.toHaveBeenCalled();
});

test.each<[string, Schema, unknown]>([
  ['items that are objects', { uniqueItems: true }, Array.from({ length: 20_000 }, (_, id) => ({ id, name: 'x' }))],
  ['a text that is nearly a URL', { format: 'url' }, `http://${':'.repeat(100_000)}`],
])('%s are looked at in no time', (_what, schema, value) => {
  const began = performance.now();
  outcomeOf(schema, JSON.stringify(value));
  expect(performance.now() - began).toBeLessThan(1000);
});
