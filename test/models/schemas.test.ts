import type { ChatInput } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

import { bodySent, chatInput } from './conformance.ts';

type Schema = Record<string, unknown>;

const object = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const text = { type: 'string' };
const plain = object({ city: text });
const formatOf = (schema: Schema): Partial<ChatInput> => ({ response_format: { type: 'json_schema', name: 'n', schema } });

describe('a schema at Anthropic', () => {
  const sent = async (schema: Schema) => {
    const { output_config: config, system } = await bodySent('anthropic', chatInput('x', formatOf(schema)));
    return { schema: (config as { format: { schema: Schema } } | undefined)?.format.schema, system };
  };

  test.each<[string, Schema]>([
    ['plain', plain],
    ['nested', object({ at: object({ lines: { type: 'array', items: plain } }) })],
    ['with names that are keywords', object({ type: text, anyOf: text, additionalProperties: text, $ref: text })],
    ['with nullable fields', object({ a: { type: ['string', 'null'] }, b: { anyOf: [plain, { type: 'null' }] } })],
    ['with definitions', object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: object({ b: { $ref: '#/$defs/b' } }), b: plain } })],
    ['of an empty object', object({})],
  ])('that is closed and %s goes out as it is', async (_, schema) => {
    expect(await sent(schema)).toEqual({ schema, system: undefined });
  });

  test('is closed, because the vendor refuses an open object', async () => {
    const open = { type: 'object', properties: { a: { type: 'object', properties: { b: text } }, n: text }, required: ['a'] };
    const closed = { ...object({ b: text }), required: undefined };
    expect(await sent(open)).toEqual({ schema: object({ a: closed, n: text }, { required: ['a'] }), system: undefined });
  });

  test('keeps what the vendor can not enforce as words, and oneOf as anyOf', async () => {
    const { schema } = await sent(object({ n: { type: 'integer', minimum: 3 }, o: { oneOf: [text, plain] } }));
    expect(schema).toEqual(object({ n: { type: 'integer', description: '{minimum: 3}' }, o: { anyOf: [text, plain] } }));
  });

  test('whose definitions each refer twice to the next is looked through once', async () => {
    const defs = Array.from({ length: 40 }, (_, index) => {
      const next = index === 39 ? text : { $ref: `#/$defs/d${index + 1}` };
      return [`d${index}`, object({ a: next, b: next })];
    });
    const schema = object({ first: { $ref: '#/$defs/d0' } }, { $defs: Object.fromEntries(defs) });
    expect((await sent(schema)).schema).toEqual(schema);
  });

  const node = object({ next: { $ref: '#/$defs/node' } });
  test.each<[string, Schema]>([
    ['a part of any type', object({ any: {} })],
    ['a part that is true', object({ any: true })],
    ['a map', object({ map: { type: 'object', additionalProperties: text } })],
    ['a map by pattern', object({ map: object({ a: text }, { patternProperties: { '^x': text } }) })],
    ['an object without known names', object({ map: { type: 'object' } })],
    ['an object that is open on purpose', object({ a: text }, { additionalProperties: true })],
    ['a name that is required and not described', object({ a: text }, { required: ['a', 'b'], additionalProperties: undefined })],
    ['an object in a list of types', object({ a: { ...plain, type: ['object', 'null'] } })],
    ['allOf, whose parts would be closed to one another', { allOf: [plain, object({ b: text })] }],
    ['fields beside alternatives', object({ a: text }, { anyOf: [object({ b: text })] })],
    ['recursion', object({ first: { $ref: '#/$defs/node' } }, { $defs: { node } })],
    ['recursion to the root', object({ again: { $ref: '#' } })],
    ['definitions of draft 7', object({ a: { $ref: '#/definitions/a' } }, { definitions: { a: plain } })],
  ])('with %s is asked for in words', async (_, schema) => {
    const { schema: format, system } = await sent(schema);
    expect(format).toBeUndefined();
    expect(system).toContain(JSON.stringify(schema));
  });

  test('that is asked for in words stands after the system text of the job', async () => {
    const messages: ChatInput['messages'] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'x' },
    ];
    const { system } = await bodySent('anthropic', chatInput('', { messages, ...formatOf({ type: 'object' }) }));
    expect(system).toBe('Be brief.\n\nAnswer with JSON of this schema and nothing else:\n{"type":"object"}');
  });
});

describe('OpenAI', () => {
  const isStrict = async (schema: Schema): Promise<unknown> => {
    const { text } = await bodySent('openai responses', chatInput('x', formatOf(schema)));
    return (text as { format: { strict: unknown } }).format.strict;
  };

  test.each<[string, Schema]>([
    ['a plain object', plain],
    ['names that are keywords', object({ type: text, enum: text, oneOf: text, default: text })],
    ['nullable fields', object({ a: { type: ['string', 'null'] }, b: { ...plain, type: ['object', 'null'] } })],
    ['alternatives', object({ a: { anyOf: [text, plain] }, b: { enum: ['x', 1] }, c: { const: 'x' } })],
    ['bounds', object({ n: { type: 'number', minimum: 1, multipleOf: 2 }, l: { type: 'array', items: text, maxItems: 3 } })],
    ['recursion', object({ first: { $ref: '#/$defs/a' } }, { $defs: { a: object({ next: { $ref: '#/$defs/a' } }) } })],
    ['a format', object({ at: { type: 'string', format: 'date-time' } })],
  ])('holds the model to a schema with %s', async (_, schema) => {
    expect(await isStrict(schema)).toBe(true);
  });

  test.each<[string, Schema]>([
    ['an optional field', object({ a: text }, { required: [] })],
    ['a required name that is not described', object({ a: text }, { required: ['a', 'b'] })],
    ['an open object', object({ a: text }, { additionalProperties: undefined })],
    ['an open object in a list of types', object({ a: { type: ['object', 'null'], properties: {} } })],
    ['an open definition', object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: { type: 'object' } } })],
    ['oneOf', object({ a: { oneOf: [text, plain] } })],
    ['allOf', object({ a: { allOf: [plain] } })],
    ['uniqueItems', object({ a: { type: 'array', items: text, uniqueItems: true } })],
    ['a list of anything', object({ a: { type: 'array' } })],
    ['a default', object({ a: { type: 'string', default: 'x' } })],
    ['minLength', object({ a: { type: 'string', minLength: 1 } })],
    ['another format', object({ a: { type: 'string', format: 'uri' } })],
    ['a part of any type', object({ a: {} })],
    ['a part that is true', object({ a: true })],
    ['words beside a reference', object({ a: { $ref: '#/$defs/a', description: 'x' } }, { $defs: { a: plain } })],
    ['alternatives at its root', object({}, { anyOf: [plain] })],
    ['a list at its root', { type: 'array', items: plain }],
  ])('is not asked to be strict about %s, which it would refuse', async (_, schema) => {
    expect(await isStrict(schema)).toBe(false);
  });
});
