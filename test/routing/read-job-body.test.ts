import type { FieldError } from '@upshift/contracts';
import { fieldError, idempotencyKey, ProblemError } from '@upshift/contracts';
import { acceptJob, readJobBody } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { exampleConfig, NOON } from './example.ts';

/** What is said of a body as a client sends it. */
function refusalOf(text: string, read: (body: unknown) => unknown = readJobBody): ProblemError | null {
  try {
    read(JSON.parse(text));
    return null;
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
}

function errorsOf(text: string): FieldError[] {
  return refusalOf(text)?.errors ?? [];
}

/** What is wrong with a job that has no bad shape. */
function errorsOfJob(text: string): FieldError[] {
  const acceptance = { id: 'job_0a', configVersion: 'v1', seed: 0.5, now: NOON };
  return refusalOf(text, (body) => acceptJob(readJobBody(body), exampleConfig(), acceptance))?.errors ?? [];
}

function errorsWith(fields: string): FieldError[] {
  return errorsOf(`{"input":{"prompt":"x"},${fields}}`);
}

describe('an input of no kind', () => {
  const kinds = expect.stringContaining('one of prompt, messages, texts') as string;

  test('is told of all three kinds, and a misspelt one is compared with them', () => {
    expect(errorsOf('{"input":{"promt":"x"}}')).toEqual([
      { field: 'input.messages', message: kinds },
      { field: 'input.promt', value: 'x', message: expect.stringMatching(/known: messages, .*, prompt, texts$/) as string },
    ]);
  });

  test.each([
    ['{}', { field: 'input', message: kinds }],
    ['{"input":"hello"}', { field: 'input', value: 'hello', message: kinds }],
    ['{"input":{}}', { field: 'input.messages', message: kinds }],
  ])('is told of all three kinds: %s', (body, error) => expect(errorsOf(body)).toEqual([error]));
});

test('an input of one kind is not told of what belongs to another', () => {
  const [error] = errorsOf('{"input":{"prompt":"x","texts":["x"]}}');
  expect(error).toEqual({ field: 'input.prompt', value: 'x', message: 'is not known here; known: texts' });
});

test('the content of a message is told what it may be', () => {
  const [error] = errorsOf('{"input":{"messages":[{"role":"user","content":7}]}}');
  expect(error).toMatchObject({
    field: 'input.messages[0].content',
    value: 7,
    message: expect.stringContaining('must be a text, or a list of {"type": "text"') as string,
  });
});

test('metadata with a key that can not be one is told how long keys are', () => {
  const [error] = errorsWith('"metadata":{"":"x"}');
  expect(error).toMatchObject({ field: 'metadata.', message: 'must be an object whose keys have 1 to 64 characters' });
});

test.each(['"tomorrow"', '"2026-12-31"', '7'])('a deadline that is no time is told how one is written: %s', (deadline) => {
  expect(errorsWith(`"limits":{"deadline":${deadline}}`)).toEqual([
    {
      field: 'limits.deadline',
      value: JSON.parse(deadline) as unknown,
      message: 'must be a time with its zone (RFC 3339), as in 2026-12-31T18:00:00Z',
    },
  ]);
});

test('a number that is too large for one is shown as it is read, not as null', () => {
  expect(errorsWith('"limits":{"cost_usd":1e400},"checks":[{"type":"length","min_words":-1e400}]')).toEqual([
    { field: 'checks[0].min_words', value: '-Infinity', message: expect.stringContaining('±1.8e308') as string },
    { field: 'limits.cost_usd', value: 'Infinity', message: expect.stringContaining('±1.8e308') as string },
  ]);
  expect(errorsWith('"priority":1e400,"foo":1e400')).toEqual([
    { field: 'priority', value: 'Infinity', message: 'must be one of "high", "normal", "low"' },
    { field: 'foo', value: 'Infinity', message: expect.stringMatching(/^is not known here; known: /) as string },
  ]);
});

test.each([
  ['"priority":"hihg"', 'priority', 'must be one of "high", "normal", "low"'],
  ['"limits":{"max_escalations":1.5}', 'limits.max_escalations', 'must be a whole number'],
  ['"limits":{"max_escalations":-1}', 'limits.max_escalations', 'must be at least 0'],
  ['"limits":{"max_escalations":"2"}', 'limits.max_escalations', 'must be a number, not a string'],
  ['"checks":"json"', 'checks', 'must be a list, not a string'],
  ['"checks":[{"type":"verifier","webhook":"a","timeout_s":61}]', 'checks[0].timeout_s', 'must be at most 60'],
  ['"checks":[{"type":"regex"}]', 'checks[0].pattern', 'is missing; must be a string'],
  ['"checks":[{"type":"regex","pattern":""}]', 'checks[0].pattern', 'must not be empty'],
  ['"limits":[]', 'limits', 'must be an object, not a list'],
])('what would be right is said in plain words: %s', (fields, field, message) => {
  expect(errorsWith(fields)).toEqual([expect.objectContaining({ field, message })]);
});

test.each(['my schema', 'größe', '', 'a'.repeat(65)])('a schema has no name that OpenAI refuses: %j', (name) => {
  const format = JSON.stringify({ type: 'json_schema', name, schema: {} });
  expect(errorsOf(`{"input":{"prompt":"x","response_format":${format}}}`)).toEqual([
    { field: 'input.response_format.name', value: name, message: 'a schema name has 1 to 64 letters, digits, _ or -' },
  ]);
});

test('a field that is null is shown as null', () => {
  expect(errorsWith('"priority":null')).toEqual([expect.objectContaining({ field: 'priority', value: null })]);
});

describe('checks', () => {
  test('are all told of, whether their shape is wrong or what they hold', () => {
    const checks = '{"type":"length","min_words":-1},{"type":"regex","pattern":"("},{"type":"length"},{"type":"regx"}';
    expect(
      errorsWith(`"checks":[${checks}]`)
        .map(({ field }) => field)
        .toSorted(),
    ).toEqual(['checks[0].min_words', 'checks[1].pattern', 'checks[2]', 'checks[3].type']);
  });

  test('are not compiled beyond the number that a job may have', () => {
    const checks = Array.from({ length: 60 }, () => '{"type":"length"}').join();
    expect(errorsWith(`"checks":[${checks}]`)).toHaveLength(1 + 50);
  });
});

describe('a field that can not be read', () => {
  const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  test('because it is nested too deep is named, however deep that is', () => {
    const message = 'is nested deeper than 100 levels';
    for (const levels of [101, 10_000, 100_000]) {
      expect(errorsWith(`"foo":${nested(levels)}`)).toEqual([{ field: 'foo.a.a.a', message }]);
      expect(errorsOf(`{"input":{"prompt":"x","tools":[{"name":"f","parameters":${nested(levels)}}]}}`)).toEqual([
        { field: 'input.tools[0].parameters', message },
      ]);
    }
    expect(errorsWith(`"checks":[{"type":"json_schema","schema":${nested(97)}}],"foo":1`)).toMatchObject([{ field: 'foo' }]);
  });

  test('because its value is too deep to be written is told of without that', () => {
    const message = 'must be a word';
    expect(fieldError(['key'], message, JSON.parse(nested(100_000)))).toEqual({ field: 'key', message });
  });

  test.each([
    ['"metadata":{"__proto__":"x","a":"y"}', 'metadata.__proto__'],
    ['"__proto__":{"a":1}', '__proto__'],
    ['"checks":[{"type":"json_schema","schema":{"__proto__":{}}}]', 'checks[0].schema.__proto__'],
  ])('because it would be dropped in silence is named: %s', (fields, field) => {
    expect(errorsWith(fields)).toEqual([{ field, message: 'is no name that a field can have' }]);
  });
});

test('of many bad fields the first 100 are told, and what is known instead once', () => {
  const fields = Array.from({ length: 5000 }, (_, index) => `"f${index}":1`).join();
  const refused = refusalOf(`{"input":{"prompt":"x"},${fields}}`)!;
  expect(refused.errors).toHaveLength(100);
  expect(refused.message).toMatch(/; and 4900 more$/);
  expect(JSON.stringify(refused.errors).match(/known: /g)).toHaveLength(1);
});

describe('a schema that would take seconds to compile', () => {
  const schema = (properties: number): string =>
    JSON.stringify({
      properties: Object.fromEntries(Array.from({ length: properties }, (_, index) => [`p${index}`, { minLength: 1 }])),
    });
  const says = expect.stringContaining('100000 characters of JSON and 5000 values') as string;

  test('is refused before that, of a check and of a response format', () => {
    const checks = `"checks":[{"type":"json_schema","schema":${schema(3000)}}]`;
    expect(errorsOfJob(`{"input":{"prompt":"x"},${checks}}`)).toEqual([{ field: 'checks[0].schema', message: says }]);
    const format = `"response_format":{"type":"json_schema","schema":{"description":"${'x'.repeat(100_001)}"}}`;
    expect(errorsOfJob(`{"input":{"prompt":"x",${format}}}`)).toEqual([{ field: 'input.response_format.schema', message: says }]);
  });

  test('is refused too where many that are short come to as much', () => {
    const checks = Array.from({ length: 4 }, () => `{"type":"json_schema","schema":${schema(800)}}`).join();
    expect(errorsOfJob(`{"input":{"prompt":"x"},"checks":[${checks}]}`)).toEqual([{ field: 'checks[3].schema', message: says }]);
    expect(errorsWith(`"checks":[${checks}],"foo":1`).map(({ field }) => field)).toEqual(['foo', 'checks[3].schema']);
  });
});

describe('the bounds that docs/api.md tells', () => {
  const job = (fields: object): object => ({ input: { prompt: 'x' }, ...fields });
  const input = (fields: object): object => ({ input: { prompt: 'x', ...fields } });
  const message = (fields: object): object => ({ input: { messages: [fields] } });
  const oneCheck = (fields: object): object => job({ checks: [fields] });
  const listOf = (size: number, one: unknown): unknown[] => Array.from({ length: size }, () => one);
  const tool = { name: 'find', parameters: {} };
  const fieldsOf = (body: object): string[] => errorsOf(JSON.stringify(body)).map(({ field }) => field);
  const named = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, 'x']));

  test.each<[field: string, most: number, body: (size: number) => object]>([
    ['task', 64, (size) => job({ task: 'x'.repeat(size) })],
    ['checks', 50, (size) => job({ checks: listOf(size, { type: 'json' }) })],
    ['limits.max_escalations', 10, (size) => job({ limits: { max_escalations: size } })],
    ['require', 4, (size) => job({ require: listOf(size, 'seed') })],
    ['metadata', 16, (size) => job({ metadata: named(size) })],
    ['metadata.key', 512, (size) => job({ metadata: { key: 'x'.repeat(size) } })],
    ['input.messages', 10_000, (size) => ({ input: { messages: listOf(size, { role: 'user', content: 'x' }) } })],
    ['input.messages[0].content', 200, (size) => message({ role: 'user', content: listOf(size, { type: 'text', text: 'x' }) })],
    [
      'input.messages[0].tool_calls',
      128,
      (size) => message({ role: 'assistant', content: '', tool_calls: listOf(size, { id: '1', name: 'find', arguments: '{}' }) }),
    ],
    ['input.texts', 2048, (size) => ({ input: { texts: listOf(size, 'x') } })],
    ['input.max_output_tokens', 1_000_000, (size) => input({ max_output_tokens: size })],
    ['input.tools', 128, (size) => input({ tools: listOf(size, tool) })],
    ['input.tools[0].name', 64, (size) => input({ tools: [{ ...tool, name: 'x'.repeat(size) }] })],
    ['input.tools[0].description', 4096, (size) => input({ tools: [{ ...tool, description: 'x'.repeat(size) }] })],
    [
      'input.response_format.name',
      64,
      (size) => input({ response_format: { type: 'json_schema', name: 'x'.repeat(size), schema: {} } }),
    ],
    ['input.temperature', 2, (temperature) => input({ temperature })],
    ['input.top_p', 1, (top_p) => input({ top_p })],
    ['input.stop', 4, (size) => input({ stop: listOf(size, 'x') })],
    ['checks[0].weight', 100, (weight) => oneCheck({ type: 'json', weight })],
    ['checks[0].pattern', 1000, (size) => oneCheck({ type: 'regex', pattern: 'x'.repeat(size) })],
    ['checks[0].values', 100, (size) => oneCheck({ type: 'contains', values: listOf(size, 'x') })],
    ['checks[0].values', 200, (size) => oneCheck({ type: 'one_of', values: listOf(size, 'x') })],
    ['checks[0].samples', 5, (samples) => oneCheck({ type: 'agreement', samples })],
    ['checks[0].models', 5, (size) => oneCheck({ type: 'agreement', models: listOf(size, 'a/b') })],
    ['checks[0].timeout_s', 60, (timeout_s) => oneCheck({ type: 'verifier', webhook: 'mine', timeout_s })],
    ['checks[0].rubric', 4000, (size) => oneCheck({ type: 'llm_judge', rubric: 'x'.repeat(size) })],
    ['checks[0].against', 5, (size) => oneCheck({ type: 'llm_judge', rubric: 'x', against: listOf(size, 'a/b') })],
  ])('%s: at most %d', (field, most, body) => {
    expect([fieldsOf(body(most)), fieldsOf(body(most + 1))]).toEqual([[], [field]]);
  });

  test.each<[field: string, least: number, tooLittle: number, body: (size: number) => object]>([
    ['limits.cost_usd', 1e-9, 0, (cost_usd) => job({ limits: { cost_usd } })],
    ['limits.max_escalations', 0, -1, (max_escalations) => job({ limits: { max_escalations } })],
    ['input.messages', 1, 0, (size) => ({ input: { messages: listOf(size, { role: 'user', content: 'x' }) } })],
    ['input.prompt', 1, 0, (size) => ({ input: { prompt: 'x'.repeat(size) } })],
    ['input.texts', 1, 0, (size) => ({ input: { texts: listOf(size, 'x') } })],
    ['input.texts[0]', 1, 0, (size) => ({ input: { texts: ['x'.repeat(size)] } })],
    ['input.max_output_tokens', 1, 0, (max_output_tokens) => input({ max_output_tokens })],
    ['input.temperature', 0, -0.1, (temperature) => input({ temperature })],
    ['input.top_p', 0.01, 0, (top_p) => input({ top_p })],
    ['input.stop[0]', 1, 0, (size) => input({ stop: ['x'.repeat(size)] })],
    ['checks[0].weight', 0.01, 0, (weight) => oneCheck({ type: 'json', weight })],
    ['checks[0].pattern', 1, 0, (size) => oneCheck({ type: 'regex', pattern: 'x'.repeat(size) })],
    ['checks[0].values', 1, 0, (size) => oneCheck({ type: 'contains', values: listOf(size, 'x') })],
    ['checks[0].values[0]', 1, 0, (size) => oneCheck({ type: 'one_of', values: ['x'.repeat(size)] })],
    ['checks[0].min_words', 0, -1, (min_words) => oneCheck({ type: 'length', min_words })],
    ['checks[0].max_chars', 1, 0, (max_chars) => oneCheck({ type: 'length', max_chars })],
    ['checks[0].samples', 1, 0, (samples) => oneCheck({ type: 'agreement', samples })],
    ['checks[0].models', 1, 0, (size) => oneCheck({ type: 'agreement', models: listOf(size, 'a/b') })],
    ['checks[0].timeout_s', 0.1, 0, (timeout_s) => oneCheck({ type: 'verifier', webhook: 'mine', timeout_s })],
    ['checks[0].against', 1, 0, (size) => oneCheck({ type: 'llm_judge', rubric: 'x', against: listOf(size, 'a/b') })],
  ])('%s: %d and not %d', (field, least, tooLittle, body) => {
    expect([fieldsOf(body(least)), fieldsOf(body(tooLittle))]).toEqual([[], [field]]);
  });

  test('a key of metadata has at most 64 characters', () => {
    const keys = [64, 65].map((size) => 'x'.repeat(size));
    expect(keys.map((key) => fieldsOf(job({ metadata: { [key]: '' } })))).toEqual([[], [`metadata.${keys[1]}`]]);
  });

  test('every check may say its gate and weight, and what names nothing may be null', () => {
    const types = ['non_empty', 'complete', 'json', 'code', 'arithmetic', 'extractable', 'finished', 'unhedged', 'consistent'];
    const more = ['language', 'asked_format', 'grounded', 'trained', 'agreement', 'length'];
    const given = [
      ...[...types, ...more].map((type) => ({ type })),
      { type: 'json_schema', schema: {} },
      { type: 'regex', pattern: 'x' },
      { type: 'contains', values: ['x'] },
      { type: 'one_of', values: ['x'] },
      { type: 'verifier', webhook: 'mine' },
      { type: 'llm_judge', rubric: 'x' },
    ].map((one) => ({ ...one, gate: true, weight: 2 }));
    const limits = { deadline: '2026-12-31T18:00:00+01:00' };
    expect(fieldsOf(job({ checks: given, limits, task: null, model: null, webhook: null }))).toEqual([]);
  });

  test('an idempotency key has 1 to 255 printable ASCII characters', () => {
    const accepted = ['x', 'x'.repeat(255), ' ~', '', 'x'.repeat(256), 'für', 'a\nb'].map(
      (key) => idempotencyKey.safeParse(key).success,
    );
    expect(accepted).toEqual([true, true, true, false, false, false, false]);
  });
});
