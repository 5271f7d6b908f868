import { parseExperiment } from '@upshift/contracts';
import type { Experiment } from '@upshift/contracts';
import {
  addObservation,
  commandExperiment,
  emptyArmTally,
  endExperiment,
  evaluateExperiment,
  fateOfHeld,
  newExperimentState,
  sharesOf,
} from '@upshift/routing';
import type { ArmTally, ExperimentState } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { outcome } from '../eval-experiments/outcome.ts';
import { NOON } from './example.ts';

type Command = Parameters<typeof commandExperiment>[2];

function read(document: unknown): Experiment {
  const parsed = parseExperiment(document);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.experiment;
}

const canary = read({
  kind: 'canary',
  name: 'new-model',
  arms: [{ name: 'stable' }, { name: 'canary' }],
  guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
  steps: [20, 50, 100],
  min_samples: 1,
  min_seconds: 60,
});
const arms = [
  { name: 'plain', share: 0.3 },
  { name: 'changed', share: 0.7 },
];
const ab = read({ kind: 'ab', name: 'prompts', arms });
const adaptive = read({ kind: 'adaptive', name: 'best', arms: arms.map(({ name }) => ({ name })) });
const shadow = read({ kind: 'shadow', name: 'seen', arms: [{ name: 'candidate' }], share: 0.1, budget_usd: 1 });

function stateAfter(document: Experiment, ...commands: (Command | 'end')[]): ExperimentState {
  return commands.reduce<ExperimentState>(
    (state, name) =>
      name === 'end'
        ? endExperiment(state, 'over').state
        : commandExperiment(document, state, name, name === 'promote' ? document.arms[1]!.name : null, NOON).state,
    newExperimentState(document, 0.5, NOON),
  );
}

describe('the part of new jobs that each arm gets', () => {
  test.each<[Experiment, (Command | 'end')[], Record<string, number>]>([
    [canary, [], { stable: 0.8, canary: 0.2 }],
    [canary, ['pause'], {}],
    [canary, ['pause', 'resume'], { stable: 0.8, canary: 0.2 }],
    [canary, ['promote'], { stable: 0, canary: 1 }],
    [canary, ['promote', 'abort'], {}],
    [canary, ['promote', 'end'], {}],
    [ab, [], { plain: 0.3, changed: 0.7 }],
    [ab, ['pause'], {}],
    [ab, ['promote'], { changed: 1 }],
    [ab, ['promote', 'abort'], {}],
    [adaptive, [], { plain: 0.5, changed: 0.5 }],
    [adaptive, ['promote'], { changed: 1 }],
    [adaptive, ['abort'], {}],
    [shadow, [], { candidate: 0.1 }],
    [shadow, ['pause'], {}],
  ])('%#: $kind after %j', (document, commands, shares) => {
    expect(sharesOf(document, stateAfter(document, ...commands))).toEqual(shares);
  });
});

describe('what a canary holds', () => {
  test.each<[(Command | 'end')[], ReturnType<typeof fateOfHeld>]>([
    [[], 'wait'],
    [['pause'], 'wait'],
    [['promote'], 'release'],
    [['abort'], 'rerun'],
    [['end'], 'rerun'],
    [['promote', 'end'], 'release'],
    [['promote', 'abort'], 'rerun'],
  ])('after %j: %s', (commands, fate) => {
    expect(fateOfHeld(stateAfter(canary, ...commands))).toBe(fate);
  });
});

test('only an arm of the experiment is promoted, and of a shadow none', () => {
  const promote = (document: Experiment, arm: string | null) => () =>
    commandExperiment(document, newExperimentState(document, 0.5, NOON), 'promote', arm, NOON);
  for (const arm of [null, 'nova']) expect(promote(ab, arm)).toThrow('say which arm to promote: plain, changed');
  expect(promote(shadow, 'candidate')).toThrow('a shadow has nothing to promote');
});

test('a paused experiment is not evaluated, and a resumed canary begins the time of its step anew', () => {
  const tally = addObservation(emptyArmTally(1), canary, outcome(true), 0.5);
  const tallies = { stable: tally, canary: tally };
  const evaluated = (state: ExperimentState, seconds: number) =>
    evaluateExperiment(canary, state, tallies, NOON + seconds * 1000).state.canary!.step;
  const paused = stateAfter(canary, 'pause');
  expect(evaluateExperiment(canary, paused, tallies, NOON + 3_600_000)).toEqual({ state: paused, actions: [] });
  const resumed = commandExperiment(canary, paused, 'resume', null, NOON + 100_000).state;
  expect([159, 160].map((seconds) => evaluated(resumed, seconds))).toEqual([0, 1]);
  expect([59, 60].map((seconds) => evaluated(stateAfter(canary), seconds))).toEqual([0, 1]);
});

test('each step of a canary needs its own jobs and its own time, and the one before the last is its promotion', () => {
  const tally = (jobs: number) =>
    Array.from({ length: jobs }).reduce<ArmTally>((sum) => addObservation(sum, canary, outcome(true), 0.5), emptyArmTally(1));
  let state = newExperimentState(canary, 0.5, NOON);
  const evaluated = (jobs: number, seconds: number) => {
    const decision = evaluateExperiment(canary, state, { stable: tally(jobs), canary: tally(jobs) }, NOON + seconds * 1000);
    state = decision.state;
    return [
      state.status,
      state.canary!.step,
      sharesOf(canary, state)['canary'],
      ...decision.actions.map((action) => action.type),
    ];
  };
  expect(evaluated(1, 60)).toEqual(['running', 1, 0.5, 'release-held', 'announce']);
  expect(evaluated(1, 120)).toEqual(['running', 1, 0.5]);
  expect(evaluated(2, 119)).toEqual(['running', 1, 0.5]);
  expect(evaluated(2, 120)).toEqual(['promoted', 2, 1, 'release-held', 'announce']);
  expect(stateAfter(canary, 'promote').canary!.step).toBe(2);
});

test.each([
  ['cost_usd', 1.4, 'promoted'],
  ['cost_usd', 1.9, 'rolled_back'],
  ['cost_usd', 0.5, 'promoted'],
  ['score', 0.7, 'promoted'],
  ['score', 0.2, 'rolled_back'],
  ['score', 1.2, 'promoted'],
] as const)('a relative guardrail of a half on %s: %f of the stable arm is %s', (metric, factor, status) => {
  const document = read({
    ...canary,
    guardrails: [{ metric, relative: 0.5, ...(metric === 'cost_usd' && { ceiling: 1 }) }],
    steps: [50, 100],
    min_samples: 1000,
  });
  const tally = (value: number) =>
    Array.from({ length: 1000 }).reduce<ArmTally>((sum) => {
      const { metrics, ...others } = outcome(true);
      return addObservation(sum, document, { ...others, metrics: { ...metrics, [metric]: value } }, 0.5);
    }, emptyArmTally(1));
  const tallies = { stable: tally(0.5), canary: tally(0.5 * factor) };
  const running = newExperimentState(document, 0.5, NOON);
  expect(evaluateExperiment(document, running, tallies, NOON + 60_000).state.status).toBe(status);
});

test('the end of an experiment of another kind makes no canary of it', () => {
  expect(endExperiment(newExperimentState(ab, 0.5, NOON), 'over').state).toMatchObject({ status: 'ended', canary: null });
});

test('what a person or a change of the configuration does is announced', () => {
  const announced = (document: Experiment, state: ExperimentState, name: Command, arm: string | null = null) =>
    commandExperiment(document, state, name, arm, NOON).actions;
  for (const document of [ab, canary]) {
    const running = newExperimentState(document, 0.5, NOON);
    expect(announced(document, running, 'pause')).toEqual([{ type: 'announce', event: 'experiment.paused' }]);
    expect(announced(document, stateAfter(document, 'pause'), 'resume')).toEqual([
      { type: 'announce', event: 'experiment.resumed' },
    ]);
    expect(announced(document, running, 'abort')).toEqual([{ type: 'announce', event: 'experiment.aborted' }]);
    expect(announced(document, running, 'promote', document.arms[1]!.name)).toContainEqual({
      type: 'announce',
      event: 'experiment.promoted',
    });
    expect(endExperiment(running, 'over').actions).toEqual([{ type: 'announce', event: 'experiment.ended' }]);
  }
});
