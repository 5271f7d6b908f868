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
