import { badConfig } from '@upshift/routing';
import { expect, test } from 'vitest';

import { exampleConfig } from './example.ts';

test('a configuration that can be used has nothing wrong', () => {
  expect(badConfig(exampleConfig())).toEqual([]);
});

test('checks of routes that do not compile, or let nothing pass, are named by their path', () => {
  const config = exampleConfig(({ routes }) => {
    routes['default']!['checks'] = [
      { type: 'json' },
      { type: 'regex', pattern: '(' },
      { type: 'length', min_words: 5, max_words: 2 },
    ];
    routes['chat']!['checks'] = [{ type: 'json_schema', schema: { type: 'nonsense' } }, { type: 'length' }];
  });

  expect(badConfig(config)).toEqual([
    'routes.default.checks.1.pattern (is "("): error parsing regexp: missing closing ): `(`',
    'routes.default.checks.2.min_words (is 5): must not be above max_words, which is 2',
    expect.stringMatching(/^routes\.chat\.checks\.0\.schema: schema is invalid: data\/type must be /),
    'routes.chat.checks.1: needs one of min_words, max_words, min_chars, max_chars',
  ]);
});

test('an address of a provider without its scheme is named, but not one that Ollama takes so', () => {
  const config = exampleConfig(({ providers }) => {
    Object.assign(providers['openai']!, { base_url: 'user:secret@vllm:8000/v1' });
    Object.assign(providers['anthropic']!, { base_url: 'HTTP://localhost:1' });
    Object.assign(providers['ollama']!, { base_url: 'gpu:11434' });
  });
  expect(badConfig(config)).toEqual([
    'providers.openai.base_url: must begin with http:// or https:// and have no ? or #, as in http://vllm:8000/v1',
  ]);
});
