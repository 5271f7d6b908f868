import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ConfigError, configVersionOf, loadConfig, parseConfig, readEnvironment, resolveProviders } from '@upshift/runtime';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { exampleConfig, exampleConfigFile } from '../routing/example.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

function reasonsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.reasons;
    throw error;
  }
  return [];
}

function reasonsFor(change: (file: ReturnType<typeof exampleConfigFile>) => void): string[] {
  const file = exampleConfigFile();
  change(file);
  return reasonsOf(() => parseConfig(stringify(file), 'the file'));
}

test('a misspelt key is told with the one that was meant', () => {
  expect(reasonsFor((file) => Object.assign(file.routes['default']!, { stratgey: 'cascade' }))).toEqual([
    expect.stringContaining('did you mean strategy?'),
  ]);
  expect(reasonsFor((file) => Object.assign(file, { tierz: [] }))).toEqual(['tierz: unknown key; did you mean tiers?']);
});

test('all that is wrong is told at once, with its values', () => {
  const reasons = reasonsFor((file) => {
    Object.assign(file.routes['default']!, { max_attempts: 0, strategy: 'luck' });
    Object.assign(file.tiers[0]!, { accept_at: 7 });
    Object.assign(file.tiers[1]!, { accept_at: 'alwys' });
  });
  expect(reasons.length).toBeGreaterThanOrEqual(3);
  expect(reasons.join('\n')).toMatch(/max_attempts \(is 0\)/);
  expect(reasons.join('\n')).toMatch(/strategy \(is "luck"\)/);
  expect(reasons).toContain('tiers.1.accept_at (is "alwys"): must be a number from 0 to 1, or always');
});

test('a name that is not as it must be is told with what one is', () => {
  const reasons = reasonsFor((file) => {
    Object.assign(file.providers, { 'Open AI': file.providers['openai'] });
    Object.assign(file.models, { low: file.models['openai/low'] });
    Object.assign(file.routes, { 'Chat 2': file.routes['chat'] });
  });
  expect(reasons).toEqual([
    'providers.Open AI: a provider is a lower-case word, as in openai or openai-eu',
    'models.low: a model id is provider/model, as in anthropic/claude-haiku-5-5',
    'routes.Chat 2: a route is a lower-case word, as in default or chat',
  ]);
});

test('a name that every object has already is refused, not taken for one that is there or passed over', () => {
  const reasons = reasonsFor((file) => {
    Object.assign(file.providers, { constructor: file.providers['openai'] });
    file.tiers.unshift({ name: 'constructor', accept_at: 0.5 });
    Object.assign(file.routes, { constructor: file.routes['chat'] });
  });
  const words = 'can not be constructor, which has a meaning of its own; take another name';
  expect(reasons).toEqual([
    `providers.constructor: ${words}`,
    `tiers.0.name (is "constructor"): ${words}`,
    `routes.constructor: ${words}`,
  ]);
  expect(reasonsOf(() => parseConfig('routes:\n  __proto__: { strategy: luck }\n', 'the file'))).toEqual([
    'routes.__proto__: is no name that a field can have',
  ]);
});

test('a key that is needed and is not there is said to be missing', () => {
  const reasons = reasonsFor((file) => {
    Object.assign(file.models, { 'openai/new': { ...file.models['openai/low'], context_window: undefined } });
  });
  expect(reasons).toEqual(['models.openai/new.context_window: is missing; must be a number']);
});

test('a field of another kind is told what would be right, and so is a variable', () => {
  const reasons = reasonsFor((file) => {
    Object.assign(file.models['openai/low']!, { capabilities: 'tools', context_window: 1.5, concurrency: 2000 });
    file.tiers[0]!.name = 'Economy';
  });
  expect(reasons).toEqual([
    'models.openai/low.capabilities (is "tools"): must be a list, not a string',
    'models.openai/low.context_window (is 1.5): must be a whole number',
    'models.openai/low.concurrency (is 2000): must be at most 1000',
    'tiers.0.name (is "Economy"): a tier is a lower-case word, as in economy',
  ]);
  expect(reasonsOf(() => readEnvironment({ PORT: 'http', LOG_LEVEL: 'loud' }))).toEqual([
    'PORT="http": must be a number',
    expect.stringMatching(/^LOG_LEVEL="loud": must be one of "trace", /),
  ]);
});

test('a file that is not UTF-8 is refused: prompts stand in it', () => {
  const file = join(temporaryDirectory(), 'config.yaml');
  writeFileSync(file, `${stringify(exampleConfigFile())}# für`, 'latin1');
  expect(reasonsOf(() => loadConfig(file))).toEqual(['it is not UTF-8; save it as UTF-8']);
  writeFileSync(file, `\uFEFF${stringify(exampleConfigFile())}# für`);
  expect(loadConfig(file)).toEqual(exampleConfig());
});

test('aliases that name nothing, or far too much, are told as what is wrong with the file', () => {
  expect(reasonsOf(() => parseConfig('learning: *none', 'the file'))).toEqual([expect.stringMatching(/alias.*none/)]);
  const levels = [
    'a: &a [x, x]',
    ...'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]`),
  ];
  expect(reasonsOf(() => parseConfig(levels.join('\n'), 'the file'))).toEqual([expect.stringMatching(/alias/)]);
});

test('a file that is no YAML, or says a key twice, is refused where it is wrong', () => {
  expect(reasonsOf(() => parseConfig('tiers: [', 'the file'))).toEqual([expect.stringContaining('line 1')]);
  const twice = `${stringify(exampleConfigFile())}\ntiers: []\n`;
  expect(reasonsOf(() => parseConfig(twice, 'the file'))).toEqual([expect.stringContaining('keys must be unique')]);
  expect(reasonsOf(() => parseConfig('[]', 'the file'))).toEqual([expect.stringMatching(/^the file: .*object/)]);
});

test('a key that resembles none is told all that are known', () => {
  expect(reasonsFor((file) => Object.assign(file.tiers[0]!, { zzzzzz: 1 }))).toEqual([
    expect.stringMatching(/^tiers\.0\.zzzzzz: unknown key; known: name, /),
  ]);
});

test('every name that is used must be declared', () => {
  const reasons = reasonsFor((file) => {
    file.models['nobody/model'] = { ...file.models['openai/low']!, tier: 'nowhere' };
    file.judge.models = ['openai/gone'];
    Object.assign(file.routes['chat']!, { fallback: ['openai/missing'] });
    file.classifier.thresholds = [0.5];
  }).join('\n');
  for (const part of [
    'no provider nobody',
    'no tier nowhere',
    'no model openai/gone',
    'no model openai/missing',
    '1 given; 3 tiers need 2',
  ])
    expect(reasons).toContain(part);
});

test('thresholds must rise and a route named default is needed', () => {
  const reasons = reasonsFor((file) => {
    file.classifier.thresholds = [0.7, 0.3];
    delete file.routes['default'];
  }).join('\n');
  expect(reasons).toContain('thresholds must rise');
  expect(reasons).toContain('a route named default is needed');
});

test('the version changes with anything in the configuration and with nothing else', () => {
  expect(configVersionOf(exampleConfig())).toBe(configVersionOf(exampleConfig()));
  expect(configVersionOf(exampleConfig((file) => Object.assign(file.tiers[0]!, { accept_at: 0.81 })))).not.toBe(
    configVersionOf(exampleConfig()),
  );
  expect(configVersionOf(exampleConfig())).toMatch(/^[0-9a-f]{12}$/);
});

test('every bad variable is told at once, and an empty one counts as absent', () => {
  const bad = { REDIS_URL: 'localhost', PORT: '99999', LOG_LEVEL: 'loud', UPSHIFT_SANDBOX_URL: 'localhost:4010' };
  const reasons = reasonsOf(() => readEnvironment(bad));
  expect(reasons).toHaveLength(4);
  expect(reasons[0]).toContain('REDIS_URL="localhost": must start with redis://');
  expect(readEnvironment({ PORT: '', REDIS_URL: '' })).toMatchObject({ PORT: 0, UPSHIFT_DISPOSABLE_REDIS: false });
});

test('white space around a variable is none of it, as the end of the line in a Secret that was made of a file', () => {
  const environment = {
    REDIS_URL: 'redis+sentinel://host/main\n',
    UPSHIFT_CONSOLE_PASSWORD: ' password\n',
    PORT: ' ',
    TIER: 'economy ',
  };
  expect(readEnvironment({ ...environment, UPSHIFT_SANDBOX_URL: 'http://sandbox:7700\n' })).toMatchObject({
    REDIS_URL: 'redis+sentinel://host/main',
    UPSHIFT_CONSOLE_PASSWORD: 'password',
    PORT: 0,
    TIER: 'economy',
    raw: { UPSHIFT_SANDBOX_URL: 'http://sandbox:7700' },
  });
  expect(reasonsOf(() => readEnvironment({ UPSHIFT_CONSOLE_PASSWORD: 'short   \n' }))).toHaveLength(1);
});

test('a number that is none is told in words', () => {
  expect(reasonsOf(() => readEnvironment({ SHUTDOWN_GRACE_S: '20s', UPSHIFT_CELLS: 'two' }))).toEqual([
    'UPSHIFT_CELLS="two": must be a number',
    'SHUTDOWN_GRACE_S="20s": must be a number',
  ]);
});

test('an address without its scheme is refused, and the right form told', () => {
  const reasons = reasonsOf(() =>
    readEnvironment({ UPSHIFT_SANDBOX_URL: 'localhost:7710', OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }),
  );
  expect(reasons).toEqual([
    'UPSHIFT_SANDBOX_URL="localhost:7710": must be an address as in http://127.0.0.1:4318',
    'OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4318": must be an address as in http://127.0.0.1:4318',
  ]);
});

test('a bad variable is told without the secrets in it', () => {
  const reasons = reasonsOf(() =>
    readEnvironment({
      UPSHIFT_CONSOLE_PASSWORD: 'hunter2',
      REDIS_URL: 'default:hunter2@redis.example:6379',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:hunter2/@collector/',
      UPSHIFT_SANDBOX_URL: '//hunter2@sandbox',
    }),
  );
  expect(reasons).toHaveLength(4);
  expect(reasons.join('\n')).not.toContain('hunter2');
  expect(reasons.map((reason) => reason.split(': ')[0])).toEqual([
    'REDIS_URL="…@redis.example:6379"',
    'UPSHIFT_SANDBOX_URL="//…@sandbox"',
    'UPSHIFT_CONSOLE_PASSWORD',
    'OTEL_EXPORTER_OTLP_ENDPOINT="ftp://…@collector/"',
  ]);
});

test('what stands behind the question mark of an address, as the password of sentinels, is not told either', () => {
  const REDIS_URL = 'sentinel://host:26379/main?sentinel_password=hunter2';
  expect(reasonsOf(() => readEnvironment({ REDIS_URL }))).toEqual([
    expect.stringMatching(/^REDIS_URL="sentinel:\/\/host:26379\/main\?…": must start with/),
  ]);
});

test.each([
  ['UPSHIFT_CELLS', ['1', '16'], ['0', '17', '1.5']],
  ['PORT', ['0', '65535'], ['-1', '65536', '80.5']],
  ['OTEL_TRACES_SAMPLER_ARG', ['0', '1'], ['-0.1', '1.1']],
  ['STUCK_AFTER_S', ['0.1', '86400'], ['0', '86401']],
  ['SHUTDOWN_GRACE_S', ['0.1', '86400'], ['0', '86401']],
  ['UPSHIFT_CONSOLE_PASSWORD', ['12345678'], ['1234567']],
  ['UPSHIFT_CONSUME_CELLS', ['0', '0,2', '0-3,5'], ['x0', '0,', '0-', '0 1', '100']],
  ['REDIS_URL', ['rediss+sentinel://a/b', 'unix:///redis.sock'], ['http://a', 'a redis://a']],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['https://a:4318'], ['ftp://a', 'httpx://a', 'xhttp://a']],
])('%s may be one of %j, and none of %j', (name, good, bad) => {
  const isTaken = (value: string): boolean => reasonsOf(() => readEnvironment({ [name]: value })).length === 0;
  expect([...good, ...bad].filter(isTaken)).toEqual(good);
});

test('cells are named by numbers and by spans, in any order', () => {
  expect(readEnvironment({ UPSHIFT_CONSUME_CELLS: '7,4-2,2,10' }).UPSHIFT_CONSUME_CELLS).toEqual([2, 3, 4, 7, 10]);
});

test('what no variable says is as documented', () => {
  expect(readEnvironment({})).toEqual({
    UPSHIFT_CONFIG: 'upshift.config.yaml',
    UPSHIFT_DISPOSABLE_REDIS: false,
    UPSHIFT_CELLS: 1,
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'info',
    OTEL_TRACES_SAMPLER_ARG: 1,
    STUCK_AFTER_S: 60,
    SHUTDOWN_GRACE_S: 20,
    raw: {},
  });
});

test('times that no timer can wait for are refused', () => {
  expect(reasonsOf(() => readEnvironment({ SHUTDOWN_GRACE_S: '3000000', STUCK_AFTER_S: '3000000' }))).toEqual([
    expect.stringMatching(/^STUCK_AFTER_S="3000000": .*86400/),
    expect.stringMatching(/^SHUTDOWN_GRACE_S="3000000": .*86400/),
  ]);
});

test('a provider without its key or address is off, and says which variable is missing', () => {
  const off = resolveProviders(exampleConfig(), { OPENAI_API_KEY: 'sk' }).map(({ id, off }) => [id, off]);
  expect(off).toEqual([
    ['openai', null],
    ['anthropic', 'ANTHROPIC_API_KEY is not set'],
    ['ollama', 'OLLAMA_HOST is not set'],
  ]);
});

test('a provider that is switched off is off, whatever keys are set', () => {
  const config = exampleConfig(({ providers }) => void (providers['openai']!['enabled'] = false));
  const [openai] = resolveProviders(config, { OPENAI_API_KEY: 'sk' });
  expect(openai).toMatchObject({ id: 'openai', off: 'switched off in the configuration' });
});

const offWith = (environment: NodeJS.ProcessEnv, openai: Record<string, string> = {}) =>
  resolveProviders(
    exampleConfig((file) => Object.assign(file.providers['openai']!, openai)),
    environment,
  ).map(({ off }) => off);

test('a key that no header can carry, or an address that is none, is told instead of failing each call', () => {
  expect(offWith({ OPENAI_API_KEY: 'sk-…', ANTHROPIC_API_KEY: 'sk-a\nsk-b', OLLAMA_HOST: 'ws://gpu:11434' })).toEqual([
    'OPENAI_API_KEY is no key: it must be printable ASCII without spaces',
    'ANTHROPIC_API_KEY is no key: it must be printable ASCII without spaces',
    'OLLAMA_HOST is no URL that begins with http:// or https:// and has no ? or #',
  ]);
  const openai = { base_url_env: 'VLLM_URL' };
  expect(offWith({ OPENAI_API_KEY: 'sk', VLLM_URL: 'http://vllm:8000/v1' }, openai)[0]).toBeNull();
  expect(offWith({ OPENAI_API_KEY: 'sk', VLLM_URL: 'localhost:8000/v1' }, openai)[0]).toContain('VLLM_URL is no URL');
  const withQuery = 'https://a.openai.azure.com/openai/deployments/d?api-version=2024-10-21';
  expect(offWith({ OPENAI_API_KEY: 'sk', VLLM_URL: withQuery }, openai)[0]).toContain('VLLM_URL is no URL');
  expect(offWith({ OPENAI_API_KEY: 'sk' }, { base_url: 'localhost:8000/v1' })[0]).toContain('base_url is no URL');
});

test('white space around a key or an address is none of it', () => {
  const [openai, , ollama] = resolveProviders(exampleConfig(), {
    OPENAI_API_KEY: ' sk-1\n',
    OLLAMA_HOST: 'http://gpu:11434/v1 ',
  });
  expect(openai).toMatchObject({ apiKey: 'sk-1', off: null });
  expect(ollama).toMatchObject({ baseUrl: 'http://gpu:11434/v1', off: null });
});

test.each(['localhost', 'gpu:11434', ':11434', '0.0.0.0', 'https://gpu/ollama'])('OLLAMA_HOST may be %s', (address) => {
  expect(offWith({ OLLAMA_HOST: address })[2]).toBeNull();
});

test('the sandbox stands in for all providers but those switched off', () => {
  const config = exampleConfig((file) => Object.assign(file.providers['ollama']!, { enabled: false }));
  const providers = resolveProviders(config, { UPSHIFT_SANDBOX_URL: 'http://127.0.0.1:9/', OPENAI_API_KEY: 'real' });
  expect(providers.map(({ baseUrl, apiKey, off }) => [baseUrl, apiKey, off])).toEqual([
    ['http://127.0.0.1:9/openai/v1', 'sandbox', null],
    ['http://127.0.0.1:9/anthropic', 'sandbox', null],
    ['http://127.0.0.1:9/ollama', 'sandbox', 'switched off in the configuration'],
  ]);
});

test('the sandbox is asked for the usage of a stream, as whatever provider it stands in for', () => {
  const config = exampleConfig((file) =>
    Object.assign(file.providers['openai']!, { api: 'chat_completions', unknown_parameters: ['stream_options'] }),
  );
  const unknownTo = (environment: NodeJS.ProcessEnv) => resolveProviders(config, environment)[0]?.unknownParameters;
  expect(unknownTo({ UPSHIFT_SANDBOX_URL: 'http://127.0.0.1:9' })).toEqual([]);
  expect(unknownTo({})).toEqual(['stream_options']);
});

test('the shipped prices say what a write to the cache costs, wherever they say what is read from it', () => {
  const { models } = loadConfig(new URL('../../upshift.config.yaml', import.meta.url).pathname);
  const prices = Object.entries(models).flatMap(([id, model]) =>
    model.prices.flatMap(({ long_input: long, ...short }) => [short, long].map((price) => ({ id, price }))),
  );
  const cached = prices.filter(({ price }) => price?.cached_input !== undefined);
  expect(cached.length).toBeGreaterThan(0);
  expect(cached.filter(({ price }) => price?.cache_write === undefined)).toEqual([]);
});
