import { expect, test } from 'vitest';

import { badRedaction } from '../../packages/routing/src/redact.ts';
import { createRedactor } from '@upshift/routing';

const email = String.raw`[\w.]+@[\w.]+\w`;

test('an equal text has an equal placeholder throughout, another text another one', () => {
  const redactor = createRedactor([email]);
  expect(redactor.redact(['from a@x.org to b@x.org', { answer: 'a@x.org wrote' }])).toEqual([
    'from [redacted-1] to [redacted-2]',
    { answer: '[redacted-1] wrote' },
  ]);
  expect(redactor.count()).toBe(3);
});

test('names of members are redacted too, and what is no text stays', () => {
  const redactor = createRedactor([email]);
  expect(redactor.redact({ 'a@x.org': { age: 7, there: true, nothing: null } })).toEqual({
    '[redacted-1]': { age: 7, there: true, nothing: null },
  });
});

test('of overlapping matches nothing is left, whatever the order of the patterns', () => {
  for (const patterns of [
    ['John', 'John Smith', 'Smith of York'],
    ['Smith of York', 'John Smith', 'John'],
  ])
    expect(createRedactor(patterns).redact('Ask John Smith of York!')).toBe('Ask [redacted-1]!');
});

test('placeholders are not redacted again', () => {
  expect(createRedactor(['secret', String.raw`\d+`, 'redacted']).redact('secret 42')).toBe('[redacted-1] [redacted-2]');
});

test('patterns that do not compile or match the empty text are named by their place', () => {
  expect(badRedaction([email, '(', 'x*', '(?=look)'])).toEqual([
    'recording.redact.1 (is "("): error parsing regexp: missing closing ): `(`',
    'recording.redact.2 (is "x*"): matches the empty text; let it match at least one character',
    expect.stringMatching(/^recording\.redact\.3 /),
  ]);
});
