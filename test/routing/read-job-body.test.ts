import type { FieldError } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { readJobBody } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

/** What is wrong with a body as a client sends it. */
function errorsOf(text: string): FieldError[] {
  try {
    readJobBody(JSON.parse(text));
    return [];
  } catch (error) {
    if (error instanceof ProblemError) return error.errors;
    throw error;
  }
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
    { field: 'priority', value: 'Infinity', message: expect.stringContaining('expected one of') as string },
    { field: 'foo', value: 'Infinity', message: expect.stringMatching(/^is not known here; known: /) as string },
  ]);
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
