import { parseExperiment } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

const arms = [{ name: 'one' }, { name: 'two' }];
const guardrails = [{ metric: 'pass_rate', absolute: 0.02 }];

type Changes = Record<string, unknown>;
const adaptive = (changes: Changes): object => ({ kind: 'adaptive', name: 'tried', arms, ...changes });
const canary = (changes: Changes): object => ({ kind: 'canary', name: 'tried', arms, guardrails, ...changes });
const shadow = (changes: Changes): object => ({
  kind: 'shadow',
  name: 'tried',
  arms: [{ name: 'one' }],
  share: 1,
  budget_usd: 1,
  ...changes,
});
/** Its second arm overrides something. */
const overriding = (overrides: Changes): object => adaptive({ arms: [{ name: 'one' }, { name: 'two', overrides }] });
const guarded = (guardrail: Changes): object => canary({ guardrails: [guardrail] });
const listOf = (size: number, one: unknown): unknown[] => Array.from({ length: size }, () => one);
const armsOf = (count: number): object[] => Array.from({ length: count }, (_, index) => ({ name: `arm-${index}` }));
const stepsOf = (count: number): number[] => Array.from({ length: count }, (_, index) => (index === count - 1 ? 100 : index + 1));

function fieldsOf(document: unknown): string[] {
  const parsed = parseExperiment(document);
  return 'errors' in parsed ? parsed.errors.map(({ field }) => field) : [];
}

const names = (size: number): string => 'x'.repeat(size);

describe('the bounds of a document', () => {
  test.each<[field: string, most: number, tooMuch: number, document: (size: number) => object]>([
    ['name', 64, 65, (size) => adaptive({ name: names(size) })],
    ['arms[0].name', 32, 33, (size) => adaptive({ arms: [{ name: names(size) }, { name: 'two' }] })],
    ['unit', 64, 65, (size) => canary({ unit: `metadata.${names(size)}` })],
    ['metrics', 9, 10, (size) => adaptive({ metrics: listOf(size, 'score') })],
    ['alpha', 0.5, 0.51, (alpha) => adaptive({ alpha })],
    ['arms', 10, 11, (size) => adaptive({ arms: armsOf(size) })],
    ['arms', 2, 3, (size) => canary({ arms: armsOf(size) })],
    ['arms', 1, 2, (size) => shadow({ arms: armsOf(size) })],
    ['floor', 0.5, 0.51, (floor) => adaptive({ floor })],
    ['share', 1, 1.1, (share) => shadow({ share })],
    ['judge.rubric', 4000, 4001, (size) => shadow({ judge: { rubric: names(size) } })],
    ['guardrails', 9, 10, (size) => canary({ guardrails: listOf(size, guardrails[0]) })],
    ['guardrails[0].relative', 10, 10.1, (relative) => guarded({ metric: 'error_rate', relative })],
    ['steps', 20, 21, (size) => canary({ steps: stepsOf(size) })],
    ['min_samples', 10_000_000, 10_000_001, (min_samples) => canary({ min_samples })],
    ['min_seconds', 2_592_000, 2_592_001, (min_seconds) => canary({ min_seconds })],
    ['arms[1].overrides.models.economy', 20, 21, (size) => overriding({ models: { economy: listOf(size, 'a/b') } })],
    ['arms[1].overrides.system_prompt', 50_000, 50_001, (size) => overriding({ system_prompt: names(size) })],
    ['arms[1].overrides.prompt_prefix', 50_000, 50_001, (size) => overriding({ prompt_prefix: names(size) })],
    ['arms[1].overrides.checks', 50, 51, (size) => overriding({ checks: listOf(size, { type: 'json' }) })],
    ['arms[1].overrides.classifier', 64, 65, (size) => overriding({ classifier: names(size) })],
    ['arms[1].overrides.scorer', 64, 65, (size) => overriding({ scorer: names(size) })],
    ['arms[1].overrides.thresholds.classifier[0]', 0.99, 1, (one) => overriding({ thresholds: { classifier: [one] } })],
  ])('%s: at most %d, not %d', (field, most, tooMuch, document) => {
    expect([fieldsOf(document(most)), fieldsOf(document(tooMuch))]).toEqual([[], [field]]);
  });

  test.each<[field: string, least: number, tooLittle: number, document: (size: number) => object]>([
    ['alpha', 0.01, 0, (alpha) => adaptive({ alpha })],
    ['metrics', 1, 0, (size) => adaptive({ metrics: listOf(size, 'score') })],
    ['arms', 2, 1, (size) => adaptive({ arms: armsOf(size) })],
    ['floor', 0.01, 0, (floor) => adaptive({ floor })],
    ['share', 0.01, 0, (share) => shadow({ share })],
    ['budget_usd', 0.01, 0, (budget_usd) => shadow({ budget_usd })],
    ['judge.rubric', 1, 0, (size) => shadow({ judge: { rubric: names(size) } })],
    ['guardrails', 1, 0, (size) => canary({ guardrails: listOf(size, guardrails[0]) })],
    ['guardrails[0].absolute', 0, -0.1, (absolute) => guarded({ metric: 'score', absolute })],
    ['guardrails[0].relative', 0, -0.1, (relative) => guarded({ metric: 'score', relative })],
    ['guardrails[0].ceiling', 0.1, 0, (ceiling) => guarded({ metric: 'cost_usd', relative: 0.1, ceiling })],
    ['steps', 2, 1, (size) => canary({ steps: stepsOf(size) })],
    ['steps[0]', 0.1, 0, (step) => canary({ steps: [step, 100] })],
    ['steps[1]', 5.1, 5, (step) => canary({ steps: [5, step, 100] })],
    ['min_samples', 1, 0, (min_samples) => canary({ min_samples })],
    ['min_seconds', 0, -1, (min_seconds) => canary({ min_seconds })],
    ['arms[1].overrides.models.economy', 1, 0, (size) => overriding({ models: { economy: listOf(size, 'a/b') } })],
    ['arms[1].overrides.system_prompt', 1, 0, (size) => overriding({ system_prompt: names(size) })],
    ['arms[1].overrides.prompt_prefix', 1, 0, (size) => overriding({ prompt_prefix: names(size) })],
    ['arms[1].overrides.classifier', 1, 0, (size) => overriding({ classifier: names(size) })],
    ['arms[1].overrides.scorer', 1, 0, (size) => overriding({ scorer: names(size) })],
    ['arms[1].overrides.thresholds.classifier[0]', 0.01, 0, (one) => overriding({ thresholds: { classifier: [one] } })],
  ])('%s: %d and not %d', (field, least, tooLittle, document) => {
    expect([fieldsOf(document(least)), fieldsOf(document(tooLittle))]).toEqual([[], [field]]);
  });

  test.each(['Tried', '1tried', 'über', 'a b', ''])('nothing is named %j', (name) => {
    expect(fieldsOf(adaptive({ name, arms: [{ name: 'one' }, { name }] }))).toEqual(['name', 'arms[1].name']);
  });
});

describe('what each kind takes by itself', () => {
  test('is as documented', () => {
    const experimentOf = (document: unknown): unknown => {
      const parsed = parseExperiment(document);
      return 'errors' in parsed ? parsed.errors : parsed.experiment;
    };
    const common = {
      route: 'default',
      unit: 'job',
      alpha: 0.05,
      metrics: ['pass_rate', 'score', 'escalation_rate', 'cost_usd', 'latency_ms'],
    };
    expect(experimentOf(adaptive({}))).toMatchObject({ ...common, reward: 'pass_rate', floor: 0.05 });
    const steps = { steps: [1, 5, 25, 100], min_samples: 100, min_seconds: 60, hold: false };
    expect(experimentOf(canary({}))).toMatchObject({ ...common, ...steps, guardrails: [{ ...guardrails[0], proof: false }] });
  });

  test.each(['job', 'tenant', 'user', 'metadata.team'])('is the unit %s, but of adaptive arms, whose shares change', (unit) => {
    expect([fieldsOf(canary({ unit })), fieldsOf(adaptive({ unit }))]).toEqual([[], unit === 'job' ? [] : ['unit']]);
  });

  test('are the floors that all arms can have', () => {
    expect(fieldsOf(adaptive({ arms: armsOf(10), floor: 0.1 }))).toEqual([]);
    expect(parseExperiment(adaptive({ arms: armsOf(3), floor: 0.34 }))).toMatchObject({
      errors: [{ field: 'floor', message: '3 arms can have at most 0.3333 each' }],
    });
  });

  test('are guardrails that can be measured in time, and margins that can be proven', () => {
    const refused = (guardrail: Changes): string[] => fieldsOf(guarded(guardrail));
    expect(refused({ metric: 'late_failure_rate', absolute: 0.1 })).toEqual(['guardrails[0].metric']);
    expect(refused({ metric: 'score', absolute: 0.1, ceiling: 1 })).toEqual(['guardrails[0].ceiling']);
    expect(refused({ metric: 'score', absolute: 0.1, proof: true })).toEqual([]);
    expect(refused({ metric: 'score', relative: 0.1, proof: true })).toEqual([]);
    expect(refused({ metric: 'score', relative: 0, proof: true })).toEqual(['guardrails[0].proof']);
    expect(refused({ metric: 'cost_usd', absolute: 1 })).toEqual(['guardrails[0].ceiling']);
  });

  test('are metrics that can be compared: nobody is given what a shadow answers', () => {
    const metrics = ['pass_rate', 'late_failure_rate'];
    expect([fieldsOf(shadow({ metrics })), fieldsOf(canary({ metrics }))]).toEqual([['metrics[1]'], []]);
  });

  test('is none where no kind is meant, or the document is none', () => {
    expect(fieldsOf({ ...adaptive({}), kind: 'guess' })).toEqual(['kind']);
    for (const document of [null, 7, [], {}]) expect(fieldsOf(document)).toHaveLength(1);
    expect(fieldsOf(JSON.parse('{"kind":"ab","__proto__":{}}'))).toEqual(['__proto__']);
  });
});
