import type { JobRequestBody, ModelConfig, UpshiftConfig } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import {
  acceptJob,
  callOf,
  costOf,
  droppedParameters,
  heuristicClassifier,
  lacks,
  needsOf,
  priceAt,
  promptFactsOf,
} from '@upshift/routing';
import type { Health } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  classified,
  EMBEDDER,
  exampleConfig,
  exampleModel,
  factsOf,
  HIGH,
  LOW,
  LOW_TWIN,
  NOON,
  requestOf,
  usage,
} from './example.ts';

const config = exampleConfig();

function acceptanceOf(body: JobRequestBody): ReturnType<typeof acceptJob> | ProblemError {
  try {
    return acceptJob(requestOf(body), config, { id: 'job', configVersion: 'v', seed: 0, now: NOON });
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
}

describe('a request', () => {
  test('with several faults is refused with all of them', () => {
    const body = {
      checks: [
        { type: 'regex', pattern: '(?=x)' },
        { type: 'json_schema', schema: { type: 'nonsense' } },
      ],
      limits: { deadline: '2020-01-01T00:00:00Z' },
      require: ['seed'],
    } as const;
    const refusal = acceptanceOf({
      input: { prompt: 'x' },
      ...structuredClone(body),
    } as unknown as JobRequestBody) as ProblemError;
    expect(refusal.code).toBe('invalid_job');
    expect(refusal.errors.map(({ field }) => field)).toEqual([
      'checks[0].pattern',
      'checks[1].schema',
      'limits.deadline',
      'require[0]',
    ]);
  });
  test.each<[JobRequestBody, string, string]>([
    [
      { input: { prompt: 'x' }, checks: [{ type: 'json_schema', schema: { $async: true, not: {} } }] },
      'invalid_job',
      '$async schemas are not supported',
    ],
    [{ input: { prompt: 'x' }, checks: [{ type: 'length' }] }, 'invalid_job', 'checks[0]: needs one of min_words'],
    [
      { input: { prompt: 'x' }, checks: [{ type: 'length', min_words: 5, max_words: 2 }] },
      'invalid_job',
      'checks[0].min_words: must not be above max_words, which is 2',
    ],
    [{ input: { texts: ['x'] }, checks: [{ type: 'json' }] }, 'invalid_job', 'vectors are not checked'],
    [{ input: { prompt: 'x' }, route: 'constructor' }, 'unknown_route', 'there are default, chat'],
    [{ input: { prompt: 'x' }, model: 'openai/gone' }, 'unknown_model', 'no model openai/gone'],
    [{ input: { prompt: 'x'.repeat(500_000) } }, 'no_capable_model', 'context for about'],
    [
      { input: { prompt: 'x', temperature: 0 }, require: ['temperature'], model: LOW },
      'no_capable_model',
      `${LOW} lacks temperature`,
    ],
    [{ input: { prompt: 'x', seed: 1 }, require: ['seed'], model: HIGH }, 'no_capable_model', `${HIGH} lacks seed`],
    [{ input: { texts: ['x'] }, model: HIGH }, 'no_capable_model', 'lacks embedding'],
    [{ input: { texts: ['x'] }, require: ['seed'] }, 'invalid_job', 'require[0]: is required'],
    [
      { input: { prompt: 'x', response_format: { type: 'json_schema', schema: { type: 'nonsense' } } } },
      'invalid_job',
      'input.response_format.schema',
    ],
    [{ input: { prompt: 'x' }, limits: { deadline: new Date(NOON).toISOString() } }, 'invalid_job', 'limits.deadline: is past'],
    [{ input: { prompt: 'x', max_output_tokens: 9000 } }, 'no_capable_model', 'max_output_tokens 9000 (has 8000)'],
  ])('%j is refused as %s', (body, code, text) => {
    const refusal = acceptanceOf(body) as ProblemError;
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(text);
  });
  test('for a model whose provider is off is refused, and says why; one that has only denied the account just now is waited for', () => {
    const accepted = (model: string | null, health: Health, of = config): string => {
      try {
        acceptJob(requestOf({ input: { prompt: 'x' }, model }), of, {
          id: 'job',
          configVersion: 'v',
          seed: 0,
          now: NOON,
          health,
        });
        return 'accepted';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const off = { providersOff: { openai: 'OPENAI_API_KEY is not set' }, circuitsOpen: {} };
    expect(accepted(LOW, off)).toBe(
      `no model can do this job: ${LOW} lacks a provider that can be called (openai: OPENAI_API_KEY is not set)`,
    );
    expect(accepted(HIGH, off)).toBe('accepted');
    expect(accepted(null, off)).toBe('accepted');
    expect(accepted(LOW, { ...off, providersDenied: { openai: NOON + 60_000 } })).toBe('accepted');
    const switchedOff = exampleConfig((file) => void (file.providers['openai']!['enabled'] = false));
    expect(accepted(LOW, { providersOff: {}, circuitsOpen: {} }, switchedOff)).toContain(
      'openai: switched off in the configuration',
    );
  });
  test('for vectors is refused where none of the embedding models that its route names can be called, though another could', () => {
    const naming = exampleConfig((file) => Object.assign(file.routes['default']!, { models: { economy: [LOW, EMBEDDER] } }));
    const acceptance = { id: 'job', configVersion: 'v', seed: 0, now: NOON };
    const accept = (health: Health) => acceptJob(requestOf({ input: { texts: ['x'] } }), naming, { ...acceptance, health });
    const on = { providersOff: {}, circuitsOpen: {} };
    expect(accept(on)).toMatchObject({ status: 'queued' });
    expect(() => accept({ ...on, providersOff: { openai: 'no key' } })).toThrow(`no model can do this job: ${EMBEDDER} lacks`);
  });
  test('that only a model could do which answers nowhere on its route is refused, and says so', () => {
    const NEW = 'openai/new';
    const accepted = (route: object, model: string | null = null): string => {
      const trial = exampleConfig((file) => {
        file.models[NEW] = exampleModel('economy', 1, { on_trial: true, capabilities: ['vision'] });
        file.models[HIGH]!['capabilities'] = ['tools'];
        Object.assign(file.routes['default']!, route);
      });
      const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } } as const;
      const asked = requestOf({ input: { messages: [{ role: 'user', content: [image] }] }, model });
      try {
        return acceptJob(asked, trial, { id: 'job', configVersion: 'v', seed: 0, now: NOON }).status;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(accepted({})).toContain(`${NEW} lacks a place on route default`);
    expect(accepted({ models: { economy: [LOW] } })).toContain(`${LOW_TWIN} lacks vision, a place on route default`);
    expect(accepted({ models: { economy: [NEW] } })).toBe('queued');
    expect(accepted({ fallback: [NEW] })).toBe('queued');
    expect(accepted({}, NEW)).toBe('queued');
  });
  test('takes the earlier deadline and the lower cap', () => {
    const body: JobRequestBody = {
      input: { prompt: 'x' },
      limits: { cost_usd: 0.5, deadline: new Date(NOON + 1000).toISOString() },
    };
    expect(acceptanceOf(body)).toMatchObject({ deadline: NOON + 1000, limits: { costNanoUsd: 500_000_000 } });
    const under = (route: object) => exampleConfig((file) => Object.assign(file.routes['default']!, route));
    const accepted = (route: object) => acceptedJob(under(route), requestOf(body));
    expect(accepted({ deadline_s: 2, cost_usd: 1 })).toMatchObject({
      deadline: NOON + 1000,
      limits: { costNanoUsd: 500_000_000 },
    });
    expect(accepted({ deadline_s: 0.5, cost_usd: 0.1 })).toMatchObject({
      deadline: NOON + 500,
      limits: { costNanoUsd: 100_000_000 },
    });
  });
  test('needs what its input holds', () => {
    const image = { type: 'image_url', image_url: { url: 'https://x.org/i.png' } } as const;
    const needs = needsOf(
      requestOf({
        input: {
          messages: [{ role: 'user', content: [image] }],
          tools: [{ name: 'f', parameters: {} }],
          response_format: { type: 'json_schema', schema: {} },
        },
      }),
    );
    expect(needs.capabilities).toEqual(['tools', 'vision', 'structured_output']);
    expect(needs.inputTokens).toBeGreaterThan(1000);
    expect(needsOf(requestOf({ input: { prompt: 'x' } })).capabilities).toEqual([]);
  });
  test('counts all that a model reads: tools, the calls of them that were made, and the schema of its answer', () => {
    const long = 'x'.repeat(4000);
    const user = { role: 'user', content: 'x' } as const;
    const call = { role: 'assistant', content: '', tool_calls: [{ id: '1', name: 'f', arguments: long }] } as const;
    const inputs: JobRequestBody['input'][] = [
      { messages: [user], tools: [{ name: 'f', description: long, parameters: {} }] },
      { messages: [user, { ...call, tool_calls: [...call.tool_calls] }, { role: 'tool', tool_call_id: '1', content: 'x' }] },
      { messages: [user], response_format: { type: 'json_schema', schema: { description: long } } },
    ];
    for (const input of inputs) {
      const { inputTokens, contextTokens } = needsOf(requestOf({ input }));
      expect(inputTokens).toBeGreaterThanOrEqual(1000);
      expect(contextTokens).toBe(inputTokens);
    }
  });
});

describe('an answer to a prompt that nearly fills a window', () => {
  const narrow = exampleConfig((file) => Object.assign(file.models[LOW]!, { context_window: 6000 }));
  const prompt = 'word'.repeat(5000);
  const callFor = (input: JobRequestBody['input']) => {
    const request = requestOf({ input });
    const { job } = after(acceptedJob(narrow, request), factsOf(narrow), classified(0.1));
    return { model: job.attempts[0]!.model, call: callOf(job, job.attempts[0]!, request, narrow, null) };
  };

  test('may be as long as the window has room for, where the job sets no cap', () => {
    const leftTokens = 6000 - needsOf(requestOf({ input: { prompt } })).contextTokens;
    expect(callFor({ prompt })).toMatchObject({ model: LOW, call: { maxOutputTokens: leftTokens } });
    expect(callFor({ prompt: 'x' })).toMatchObject({ model: LOW, call: { maxOutputTokens: 4096 } });
  });
  test('is another model’s, where the prompt of the route leaves no room', () => {
    const told = exampleConfig((file) => {
      Object.assign(file.models[LOW]!, { context_window: 6000 });
      Object.assign(file.routes['default']!, { system_prompt: 'word'.repeat(1500) });
    });
    const request = requestOf({ input: { prompt } });
    const { job } = after(acceptedJob(told, request), factsOf(told), classified(0.1));
    const call = callOf(job, job.attempts[0]!, request, told, null);
    expect({ model: job.attempts[0]!.model, call }).toMatchObject({ model: LOW_TWIN, call: { maxOutputTokens: 4096 } });
    expect(call.inputTokens).toBeGreaterThanOrEqual(needsOf(request).inputTokens + 1500);
    Object.assign(told.routes['default']!, { system_prompt: 'x'.repeat(500_000) });
    expect(() => acceptedJob(told, request)).toThrow('context for about');
  });
  test('is another model’s, where the job asks for more', () => {
    expect(callFor({ prompt, max_output_tokens: 2000 })).toMatchObject({ model: LOW_TWIN, call: { maxOutputTokens: 2000 } });
  });
});

test('a tool that must be called is for providers whose API has that choice', () => {
  const tools = [{ name: 'find', parameters: {} }];
  const needsOfChoice = (tool_choice: 'auto' | 'required') => needsOf(requestOf({ input: { prompt: 'x', tools, tool_choice } }));
  const model = exampleModel('economy', 1) as unknown as ModelConfig;
  const ollama = { adapter: 'ollama', api: 'responses' } as UpshiftConfig['providers'][string];
  const anthropic = { adapter: 'anthropic', api: 'responses' } as UpshiftConfig['providers'][string];
  expect(lacks(model, ollama, needsOfChoice('auto'))).toEqual([]);
  expect(lacks(model, ollama, needsOfChoice('required'))).toEqual(['tool_choice required']);
  expect(lacks(model, anthropic, needsOfChoice('required'))).toEqual([]);
});

test('an image behind a URL is for providers that fetch it', () => {
  const needsOfImage = (url: string) =>
    needsOf(requestOf({ input: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] } }));
  const model = exampleModel('economy', 1, { capabilities: ['vision'] }) as unknown as ModelConfig;
  const provider = (adapter: string) => ({ adapter, api: 'responses' }) as UpshiftConfig['providers'][string];
  expect(lacks(model, provider('ollama'), needsOfImage('https://example.com/cat.png'))).toEqual(['images by URL']);
  expect(lacks(model, provider('ollama'), needsOfImage('data:image/png;base64,iVBORw0KGgo='))).toEqual([]);
  expect(lacks(model, provider('openai'), needsOfImage('https://example.com/cat.png'))).toEqual([]);
});

test('an answer to be continued is for models of Anthropic that declare that, and for those of other vendors', () => {
  const needsOfEnd = (role: 'user' | 'assistant') =>
    needsOf(requestOf({ input: { messages: [{ role, content: 'The sum is' }] } }));
  const model = exampleModel('economy', 1) as unknown as ModelConfig;
  const provider = (adapter: string) => ({ adapter, api: 'responses' }) as UpshiftConfig['providers'][string];
  expect(lacks(model, provider('anthropic'), needsOfEnd('user'))).toEqual([]);
  expect(lacks(model, provider('anthropic'), needsOfEnd('assistant'))).toEqual(['prefill']);
  expect(lacks({ ...model, capabilities: ['prefill'] }, provider('anthropic'), needsOfEnd('assistant'))).toEqual([]);
  expect(lacks(model, provider('openai'), needsOfEnd('assistant'))).toEqual([]);
});

describe('sampling parameters', () => {
  const needs = needsOf(requestOf({ input: { prompt: 'x', temperature: 0, seed: 1, stop: ['END'] }, require: ['stop'] }));
  const anthropic = { adapter: 'anthropic', api: 'responses' } as UpshiftConfig['providers'][string];
  const responses = { adapter: 'openai', api: 'responses' } as UpshiftConfig['providers'][string];
  const all = exampleModel('economy', 1, { capabilities: ['sampling_params'] }) as unknown as ModelConfig;

  test('are taken as far as the API of the provider has them', () => {
    expect([lacks(all, anthropic, needs), lacks(all, responses, needs)]).toEqual([[], ['stop']]);
    expect(droppedParameters(all, anthropic, needs)).toEqual(['temperature', 'seed']);
    expect(droppedParameters(all, responses, needs)).toEqual(['seed', 'stop']);
  });
  test('are taken one by one where the model names them', () => {
    const some = exampleModel('economy', 1, { sampling: ['stop'] }) as unknown as ModelConfig;
    expect(lacks(some, anthropic, needs)).toEqual([]);
    expect(lacks(exampleModel('economy', 1) as unknown as ModelConfig, anthropic, needs)).toEqual(['stop']);
  });
  test('stand beside the reasoning effort, which is left out where the model does not take that one', () => {
    const wants = needsOf(requestOf({ input: { prompt: 'x', reasoning_effort: 'minimal' } }));
    const some = { ...all, reasoning_efforts: ['low' as const] };
    expect(droppedParameters(all, responses, wants)).toEqual([]);
    expect(droppedParameters(all, anthropic, wants)).toEqual(['reasoning_effort']);
    expect(droppedParameters(some, responses, wants)).toEqual(['reasoning_effort']);
    expect(droppedParameters(some, responses, { ...wants, reasoningEffort: 'low' })).toEqual([]);
  });
});

describe('the cost of a call', () => {
  const long_input = { above_tokens: 2000, input: 4, output: 20, cached_input: 0.4 };
  const model = {
    prices: [
      { from: '2026-01-01', input: 2, output: 10, cached_input: 0.2, cache_write: 2.5, long_input },
      { from: '2026-12-01', input: 1, output: 5 },
    ],
  } as unknown as ModelConfig;
  test('counts cached and cache-written tokens once', () => {
    expect(costOf({ ...usage, cachedInputTokens: 600, cacheWriteTokens: 100 }, model, NOON)).toBe(
      (300 * 2 + 600 * 0.2 + 100 * 2.5 + 100 * 10) * 1000,
    );
  });
  test('is the long price for the whole request above the step, and not at it', () => {
    expect(costOf({ ...usage, inputTokens: 2000, outputTokens: 0 }, model, NOON)).toBe(4_000_000);
    expect(costOf({ ...usage, inputTokens: 2001, outputTokens: 0 }, model, NOON)).toBe(8_004_000);
  });
  test('changes on the day that a new price holds', () => {
    expect(priceAt(model.prices, Date.UTC(2026, 10, 30, 23, 59))?.input).toBe(2);
    expect(priceAt(model.prices, Date.UTC(2026, 11, 1))?.input).toBe(1);
  });
  test('is a part of the price in a cheaper lane, and unknown where that part is not declared', () => {
    const half = { prices: [{ from: '2026-01-01', input: 2, output: 10, batch_factor: 0.5 }] } as unknown as ModelConfig;
    const live = costOf(usage, half, NOON);
    expect(costOf(usage, half, NOON, 'batch')).toBe((live ?? 0) / 2);
    expect(costOf(usage, half, NOON, 'flex')).toBeNull();
  });
  test('is unknown without usage, model or price, never 0', () => {
    expect([costOf(null, model, NOON), costOf(usage, undefined, NOON), costOf(usage, model, 0)]).toEqual([null, null, null]);
  });
});

describe('the classifier', () => {
  const classify = (prompt: string) => heuristicClassifier(promptFactsOf(requestOf({ input: { prompt } })));
  test('is uncertain where nothing tells', () => {
    expect(classify(`Please consider ${'this quiet ordinary text about the garden '.repeat(5)}`)).toMatchObject({
      complexity: 0.5,
      confidence: 0,
      reason: 'no signal',
    });
  });
  test('finds proofs and code harder than labels', () => {
    expect(classify('Prove by induction that the algorithm terminates, step by step.').complexity).toBeGreaterThan(
      classify('Classify the sentiment: nice!').complexity,
    );
    expect(classify('```ts\nfunction f() {}\n``` refactor it').complexity).toBeGreaterThan(0.5);
  });
  test('finds what stands behind something else, and reads a long prompt once', () => {
    expect(classify('First add them, then say how many there are.').reason).toContain('several steps');
    expect(classify('Then add them; first say how many there are.').reason).not.toContain('several steps');
    expect(classify('It must be short, without names.').reason).toContain('several constraints');
    expect(classify('Under this constraint it must be short.').reason).toContain('several constraints');
    expect(classify('It must be short under this constraint.').reason).not.toContain('several constraints');
    const start = performance.now();
    classify('first '.repeat(50_000));
    classify('constraint '.repeat(50_000));
    expect(performance.now() - start).toBeLessThan(2000);
  });
  test.each([' ', '请证明费马大定理', 'Wie spät ist es? 🙂', 'x '.repeat(200_000), '𝔘'.repeat(1000)])(
    'stays within [0, 1] for odd prompts',
    (prompt) => {
      const { complexity, confidence } = classify(prompt);
      for (const value of [complexity, confidence]) expect(value).toSatisfy((number: number) => number >= 0 && number <= 1);
    },
  );
});
