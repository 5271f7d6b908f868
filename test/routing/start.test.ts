import type { JobEvent } from '@upshift/contracts';
import { decide } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  EMBEDDER,
  EMBEDDER_TWIN,
  exampleConfig,
  exampleModel,
  factsOf,
  HIGH,
  LOW,
  LOW_TWIN,
  MIDDLE,
  NOON,
  question,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();

describe('where a job starts', () => {
  /** The rule says standard, the complexity economy or premium. */
  const started = (route: object, complexity: number, task: string | null) => {
    const ruled = exampleConfig((file) => {
      file.rules = { extraction: { tier: 'standard' } };
      Object.assign(file.routes['default']!, route);
    });
    return after(acceptedJob(ruled), factsOf(ruled), classified(complexity, task)).job.tier;
  };
  test.each([
    [{ strategy: 'cascade', start: ['rules', 'classifier'] }, 'standard', 'premium'],
    [{ strategy: 'cascade', start: ['classifier', 'rules'] }, 'economy', 'premium'],
    [{ strategy: 'cascade', start: ['classifier'] }, 'economy', 'premium'],
    [{ strategy: 'cascade', start: ['rules'] }, 'standard', 'premium'],
    [{ strategy: 'rules' }, 'standard', 'premium'],
    [{ strategy: 'classifier' }, 'economy', 'premium'],
  ])('%j: a simple job with a rule at %s, a hard one without at %s', (route, withRule, without) => {
    expect(started(route, 0.1, 'extraction')).toBe(withRule);
    expect(started(route, 0.9, null)).toBe(without);
    expect(started(route, 0.9, 'constructor')).toBe(without);
  });

  describe('where neither the wanted tier nor one above has a model that can do the job', () => {
    const able = exampleConfig((file) => {
      for (const tier of ['economy', 'standard'])
        file.models[`ollama/${tier}`] = exampleModel(tier, 0, { capabilities: ['sampling_params'] });
    });
    const hard = (request: typeof question, health: object = {}) => {
      const facts = factsOf(able);
      return after(acceptedJob(able, request), { ...facts, health: { ...facts.health, ...health } }, classified(0.9));
    };

    test('is the nearest below that has one, and the trail says why', () => {
      const { job, trail } = hard(requestOf({ input: { prompt: 'x', seed: 1 }, require: ['seed'] }));
      expect(job.attempts).toMatchObject([{ tier: 'standard', model: 'ollama/standard' }]);
      expect(trail[0]).toMatchObject({ event: 'job-classified', tier: 'standard' });
      expect(trail[0]!.reason).toContain('no model there or above can do it, so it starts at standard');
    });
    test('may be for want of providers, but not for an open circuit, which is waited for', () => {
      const providersOff = { openai: 'no key', anthropic: 'no key' };
      expect(hard(question, { providersOff }).job.attempts).toMatchObject([{ tier: 'standard', model: 'ollama/standard' }]);
      expect(hard(question, { circuitsOpen: { [HIGH]: NOON + 1000 } }).job.tier).toBe('fallback');
    });
    test('but not where the route names models there that are off: an experiment has to see that they are missing', () => {
      const naming = structuredClone(able);
      naming.routes['default']!.models = { premium: [HIGH] };
      const facts = factsOf(naming, { health: { providersOff: { anthropic: 'no key' }, circuitsOpen: {} } });
      expect(after(acceptedJob(naming), facts, classified(0.9)).job).toMatchObject({ tier: 'fallback', passedOver: 1 });
    });
    test('and is no tier whose models are off, though the route names them', () => {
      const naming = structuredClone(able);
      naming.providers['gpu'] = { ...naming.providers['ollama']! };
      naming.models['gpu/standard'] = { ...naming.models['ollama/standard']! };
      naming.routes['default']!.models = { standard: ['gpu/standard'] };
      const facts = factsOf(naming, { health: { providersOff: { gpu: 'no host' }, circuitsOpen: {} } });
      const seeded = acceptedJob(naming, requestOf({ input: { prompt: 'x', seed: 1 }, require: ['seed'] }));
      expect(after(seeded, facts, classified(0.9)).job.attempts).toMatchObject([{ tier: 'economy', model: 'ollama/economy' }]);
    });
  });

  test('is the tier of the model that it names', () => {
    const { job } = after(
      acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: HIGH })),
      factsOf(config),
      classified(0.1, 'translation'),
    );
    expect(job).toMatchObject({ tier: 'premium', attempts: [{ model: HIGH, tier: 'premium' }] });
  });
});

describe('a model is asked how complex a prompt is', () => {
  const asking = (change: (file: Parameters<Parameters<typeof exampleConfig>[0] & object>[0]) => void = () => undefined) =>
    exampleConfig((file) => {
      file.classifier['llm'] = { models: [LOW, MIDDLE] };
      change(file);
    });
  const asked = (under = asking(), request = question, health: object = {}) => {
    const facts = factsOf(under);
    const { job } = decide(
      acceptedJob(under, request),
      { type: 'classify-requested' },
      { ...facts, health: { ...facts.health, ...health } },
    );
    return job.attempts.map(({ model, tier }) => `${model} of ${tier}`);
  };

  test('which is the first that can be called', () => {
    expect(asked()).toEqual([`${LOW} of economy`]);
    expect(asked(asking(), question, { circuitsOpen: { [LOW]: NOON + 1000 } })).toEqual([`${MIDDLE} of standard`]);
    expect(asked(asking(), question, { providersOff: { openai: 'no key' } })).toEqual([]);
  });

  test.each([
    ['the job names its model', requestOf({ input: { prompt: 'x' }, model: HIGH })],
    ['the job wants vectors', requestOf({ input: { texts: ['x'] } })],
    ['a rule says where it starts', requestOf({ input: { prompt: 'x' }, task: 'translation' })],
  ])('but not where %s', (_why, request) => expect(asked(asking(), request)).toEqual([]));

  test('but not in place of the only call that the route allows, which is for the answer', () => {
    const within = (most: number) => asked(asking((file) => (file.routes['default']!['max_attempts'] = most)));
    expect([within(1), within(2)]).toEqual([[], [`${LOW} of economy`]]);
  });

  test('but not twice, and not once the job is classified', () => {
    const facts = factsOf(asking());
    const request: JobEvent = { type: 'classify-requested' };
    const done = after(acceptedJob(facts.config), facts, request, sent(1), answered(1));
    expect(after(done.job, facts, request).commands).toEqual([]);
    expect(after(acceptedJob(facts.config), facts, classified(0.1), request).commands).toEqual([]);
  });
});

describe('vectors', () => {
  const texts = requestOf({ input: { texts: ['x'] } });
  const embedderOf = (under = config, health: object = {}) => {
    const facts = factsOf(under);
    const { job } = after(acceptedJob(under, texts), { ...facts, health: { ...facts.health, ...health } }, classified(0.1));
    return job.attempts[0]?.model ?? job.status;
  };

  test('are of the first model that is declared and switched on, be its circuit open', () => {
    expect(embedderOf()).toBe(EMBEDDER);
    expect(embedderOf(config, { circuitsOpen: { [EMBEDDER]: NOON + 1000 } })).toBe(EMBEDDER);
    expect(embedderOf(config, { providersOff: { openai: 'no key' } })).toBe(EMBEDDER_TWIN);
    expect(embedderOf(config, { providersOff: { openai: 'no key', ollama: 'no host' } })).toBe('failed');
  });

  test('are of the model that the rule prefers, if it makes vectors, and of none that is on trial', () => {
    const preferring = (prefer: string[]) =>
      exampleConfig((file) => void (file.rules = { embedding: { tier: 'economy', prefer } }));
    expect(embedderOf(preferring([EMBEDDER_TWIN]))).toBe(EMBEDDER_TWIN);
    const trial = exampleConfig((file) => {
      file.models = {
        'openai/new': exampleModel('economy', 0.1, { capabilities: ['embedding'], max_output_tokens: 0, on_trial: true }),
        ...file.models,
      };
    });
    expect(embedderOf(trial)).toBe(EMBEDDER);
  });

  test('are of the first model that the route names for them, on trial or not, and of no other where it is off', () => {
    const naming = (...economy: string[]) =>
      exampleConfig((file) => {
        const embedding = { capabilities: ['embedding'], max_output_tokens: 0, on_trial: true };
        file.models['openai/new'] = exampleModel('economy', 0.1, embedding);
        Object.assign(file.routes['default']!, { models: { economy } });
      });
    expect(embedderOf(naming(LOW, 'openai/new', EMBEDDER))).toBe('openai/new');
    expect(embedderOf(naming('openai/new'), { providersOff: { openai: 'no key' } })).toBe('failed');
    expect(embedderOf(naming(LOW))).toBe(EMBEDDER);
  });
});

test('equal models share the load evenly by the draw, and the cheaper one comes first whatever it says', () => {
  const twins = exampleConfig((file) => Object.assign(file.models, { 'openai/low-2': exampleModel('economy', 1) }));
  const first = (draw: number) =>
    after(acceptedJob(twins), factsOf(twins, { draw }), classified(0.1)).job.attempts.map(({ model }) => model);
  const drawn = Array.from({ length: 100 }, (_, index) => first(index / 100)[0]);
  expect([LOW, LOW_TWIN, 'openai/low-2'].map((id) => drawn.filter((one) => one === id).length)).toEqual([50, 0, 50]);
});
