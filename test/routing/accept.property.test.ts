import { ProblemError } from '@upshift/contracts';
import type { ModelConfig, UpshiftConfig } from '@upshift/contracts';
import { acceptJob, decide } from '@upshift/routing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { classified, factsOf, NOON, requestOf } from './example.ts';
import { chanceOf, randomConfig, SEED } from './random-jobs.ts';
import type { Chance } from './random-jobs.ts';

/** With models on trial, and a route that names some models of its tiers. */
function withTrials(chance: Chance, config: UpshiftConfig): UpshiftConfig {
  const models = Object.fromEntries(
    Object.entries(config.models).map(([id, model]) => [id, chance.happens(40) ? { ...model, on_trial: true } : model]),
  );
  const named = config.tiers.flatMap(({ name }) => {
    const ids = chance.some(Object.keys(models).filter((id) => models[id]!.tier === name));
    return ids.length === 0 ? [] : [[name, ids] as const];
  });
  const { cost_usd: _cap, ...route } = config.routes['default']!;
  return { ...config, models, routes: { ...config.routes, default: { ...route, models: Object.fromEntries(named) } } };
}

/** With a last resort that can do every job of this test. */
function withAbleModel(config: UpshiftConfig): UpshiftConfig {
  const [model] = Object.values(config.models);
  const able: ModelConfig = { ...model!, capabilities: ['tools', 'vision'], context_window: 1_000_000 };
  const route = { ...config.routes['default']!, fallback: ['a/able'] };
  return { ...config, models: { ...config.models, 'a/able': able }, routes: { ...config.routes, default: route } };
}

test('a job is accepted exactly where some model is asked for it while all are well and nothing is capped', () => {
  fc.assert(
    fc.property(fc.gen(), (generate) => {
      const chance = chanceOf(generate);
      const config = withTrials(chance, randomConfig(chance));
      const tools = chance.happens(50) ? [{ name: 'f', parameters: {} }] : [];
      const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } } as const;
      const text = { type: 'text', text: 'x'.repeat(chance.oneOf([1, 3000])) } as const;
      const content = chance.happens(40) ? [text, image] : [text];
      const request = requestOf({ input: { messages: [{ role: 'user', content }], tools }, task: chance.oneOf([null, 'known']) });
      const accepted = accept(request, config);
      // One that is refused is made all the same, to see what would have become of it.
      const job = accepted ?? accept(request, withAbleModel(config))!;
      const event = classified(chance.upTo(100) / 100);
      const first = decide(decide(job, { type: 'accepted' }, factsOf(config)).job, event, factsOf(config)).job;
      expect({ attempts: first.attempts.length, reasons: first.reasons }).toMatchObject({ attempts: accepted === null ? 0 : 1 });
    }),
    { seed: SEED, numRuns: 1000, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});

function accept(request: ReturnType<typeof requestOf>, config: UpshiftConfig) {
  try {
    return acceptJob(request, config, { id: 'job_0p', configVersion: 'v', seed: 0.25, now: NOON });
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'no_capable_model') return null;
    throw error;
  }
}
