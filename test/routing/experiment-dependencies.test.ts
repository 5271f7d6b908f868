import { parseExperiment } from '@upshift/contracts';
import type { ExperimentStatus } from '@upshift/contracts';
import { changesSince, dependenciesOf, reasonsToEnd } from '@upshift/routing';
import { expect, test } from 'vitest';

import { exampleConfig, exampleModel, LOW, LOW_TWIN } from './example.ts';

const parsed = parseExperiment({
  kind: 'canary',
  name: 'new-model',
  arms: [{ name: 'stable' }, { name: 'canary', overrides: { models: { economy: ['openai/new'] } } }],
  guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
});
if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
const { experiment } = parsed;

const abOfPrompts = {
  kind: 'ab',
  name: 'checks',
  arms: [
    { name: 'a', share: 0.5 },
    { name: 'b', share: 0.5 },
  ],
};

type Change = Parameters<typeof exampleConfig>[0];
const withTrial: NonNullable<Change> = (file) => {
  file.models['openai/new'] = exampleModel('economy', 0.5, { on_trial: true });
};

/** What of a change of the configuration concerns the experiment. */
function changes(change: NonNullable<Change>, status: ExperimentStatus = 'running'): string[] {
  const config = exampleConfig((file) => (withTrial(file), change(file)));
  return changesSince(dependenciesOf(experiment, exampleConfig(withTrial)), dependenciesOf(experiment, config), status);
}

test('a running experiment goes by all that decides how the jobs of its route are answered', () => {
  expect(changes((file) => (file.routes['default']!['deadline_s'] = 60))).toEqual(['route default']);
  expect(changes((file) => (file.tiers[0]!.accept_at = 0.9))).toEqual(['tiers']);
  expect(changes((file) => (file.rules['extraction'] = { tier: 'premium' }))).toEqual(['rules']);
  expect(changes((file) => (file.models['openai/other'] = exampleModel('economy', 0.1)))).toEqual(['model openai/other']);
  expect(changes((file) => void delete file.models['openai/new'])).toEqual(['model openai/new']);
});

test('what changes no answer of its route ends no experiment', () => {
  expect(changes((file) => (file.routes['chat']!['deadline_s'] = 60))).toEqual([]);
  expect(changes((file) => (file.models[LOW]!['concurrency'] = 2))).toEqual([]);
  expect(changes((file) => (file.models['openai/later'] = exampleModel('economy', 0.1, { on_trial: true })))).toEqual([]);
});

test('a promoted arm stays in force until the configuration says something of its own about what it replaces', () => {
  const promoted = (change: NonNullable<Change>): string[] => changes(change, 'promoted');
  expect(promoted((file) => (file.routes['default']!['deadline_s'] = 60))).toEqual([]);
  expect(promoted((file) => (file.models[LOW_TWIN]!['prices'] = [{ from: '2026-01-01', input: 3, output: 3 }]))).toEqual([]);
  expect(promoted((file) => (file.routes['default']!['models'] = { economy: [LOW] }))).toEqual(['models.economy']);
  expect(promoted((file) => void delete file.models['openai/new']!['on_trial'])).toEqual(['model openai/new']);
});

test('a promoted arm ends where the configuration no longer allows it, in the words with which it would be refused', () => {
  const withLlm: NonNullable<Change> = (file) => (file.classifier['llm'] = { models: [LOW] });
  const reasons = (overrides: Record<string, unknown>, change: NonNullable<Change>): string[] => {
    const read = parseExperiment({ ...abOfPrompts, arms: [abOfPrompts.arms[0], { ...abOfPrompts.arms[1], overrides }] });
    if ('errors' in read) throw new Error(JSON.stringify(read.errors));
    const dependsOn = dependenciesOf(read.experiment, exampleConfig(withLlm));
    return reasonsToEnd({ document: read.experiment, dependsOn, status: 'promoted' }, exampleConfig(change));
  };
  const agreement = { checks: [{ type: 'agreement', models: [LOW_TWIN] }] };
  expect(reasons(agreement, withLlm)).toEqual([]);
  expect(reasons(agreement, (file) => (withLlm(file), delete file.models[LOW_TWIN], (file.rules = {})))).toEqual([
    expect.stringContaining(`arms[1].overrides: routes.default.checks.0.models.0: no model ${LOW_TWIN}`),
  ]);
  expect(reasons({ classifier: 'llm' }, () => undefined)).toEqual([
    'arms[1].overrides: routes.default.classifier: llm needs classifier.llm.models',
  ]);
});

test('keys that a newer version knows, and whose defaults hold, end no experiment that began before them', () => {
  const now = dependenciesOf(experiment, exampleConfig(withTrial));
  const without = (name: string, key: string): Record<string, string> => {
    const { [key]: left, ...others } = JSON.parse(now.measured[name]!) as Record<string, unknown>;
    expect(left).toBeDefined();
    return { [name]: JSON.stringify(others) };
  };
  const older = {
    ...without('route default', 'explore'),
    ...without('scorer', 'type'),
    ...without(`model ${LOW}`, 'equivalents'),
  };
  const then = { ...now, measured: { ...now.measured, ...older } };
  expect(changesSince(then, now, 'running')).toEqual([]);
  const exploring = exampleConfig((file) => (withTrial(file), (file.routes['default']!['explore'] = 0.1)));
  expect(changesSince(then, dependenciesOf(experiment, exploring), 'running')).toEqual(['route default']);
});

test('what stood in a record of an older form counts as changed, never as an error', () => {
  expect(changesSince({} as never, dependenciesOf(experiment, exampleConfig(withTrial)), 'running')).not.toEqual([]);
});
