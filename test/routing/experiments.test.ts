import { readFile } from 'node:fs/promises';

import { parseExperiment, upshiftConfig } from '@upshift/contracts';
import type { Experiment } from '@upshift/contracts';
import {
  addObservation,
  applyArm,
  badExperiment,
  callOf,
  chooseArms,
  commandExperiment,
  configOfArms,
  conflictsOf,
  decide,
  emptyArmTally,
  endExperiment,
  evaluateExperiment,
  newExperimentState,
  unitOf,
} from '@upshift/routing';
import type { ArmTally } from '@upshift/routing';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { outcome } from '../eval-experiments/outcome.ts';
import {
  acceptedJob,
  after,
  classified,
  exampleConfig,
  exampleModel,
  factsOf,
  HIGH,
  LOW,
  LOW_TWIN,
  NOON,
  question,
} from './example.ts';

const config = exampleConfig();

function ab(changes: Record<string, unknown> = {}, overrides: Record<string, unknown> = { prompt_prefix: 'Think. ' }): unknown {
  return {
    kind: 'ab',
    name: 'prompts',
    arms: [
      { name: 'plain', share: 0.5 },
      { name: 'changed', share: 0.5, overrides },
    ],
    ...changes,
  };
}

function read(document: unknown): Experiment {
  const parsed = parseExperiment(document);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.experiment;
}

function canaryOf(name: string, overrides: Record<string, unknown> = {}): Experiment {
  return read({
    kind: 'canary',
    name,
    arms: [{ name: 'stable' }, { name: 'canary', overrides }],
    guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
  });
}

function errorsOf(document: unknown): string[] {
  const parsed = parseExperiment(document);
  return 'errors' in parsed ? parsed.errors.map(({ field, message }) => `${field}: ${message}`) : [];
}

describe('a document', () => {
  test('is refused with every bad field, where it is and what would be right', () => {
    expect(
      errorsOf(
        ab({
          arms: [
            { name: 'one', share: 0.5 },
            { name: 'one', share: 0.2 },
          ],
          unit: 'planet',
          colour: 1,
        }),
      ),
    ).toEqual([
      'unit: is job, tenant, user or metadata.KEY',
      'colour: is not known here; known: kind, name, route, unit, metrics, webhook, alpha, arms',
      'arms[1].name: two arms have the same name',
      'arms: the shares add up to 0.7; they must add up to 1',
    ]);
    expect(
      errorsOf(
        ab({
          arms: [
            { name: 'one', share: 0.5 },
            { name: 'one', share: 0.2 },
          ],
        }),
      ),
    ).toEqual(['arms[1].name: two arms have the same name', 'arms: the shares add up to 0.7; they must add up to 1']);
  });

  test('of a canary has an untouched stable arm, rising steps to 100 and guardrails that can be kept', () => {
    const canary = {
      kind: 'canary',
      name: 'model',
      arms: [{ name: 'stable', overrides: { strategy: 'rules' } }, { name: 'canary' }],
      guardrails: [
        { metric: 'cost_usd', relative: 0.1, absolute: 1 },
        { metric: 'score', absolute: 0, proof: true },
      ],
      steps: [5, 1],
    };
    expect(errorsOf(canary)).toEqual([
      'guardrails[0]: give absolute or relative, one of the two',
      'guardrails[0].ceiling: cost_usd needs a ceiling: larger values count as this',
      'guardrails[1].proof: that nothing is worse at all can never be proven: allow a margin',
      'steps[1]: steps must rise',
      'steps: the last step is 100',
      'arms[0].overrides: the first arm is the stable one and overrides nothing',
    ]);
  });

  test('of a canary whose guardrail nothing could break is refused', () => {
    const refused = (guardrail: Record<string, unknown>): string[] =>
      errorsOf({ kind: 'canary', name: 'model', arms: [{ name: 'stable' }, { name: 'canary' }], guardrails: [guardrail] });
    expect(refused({ metric: 'pass_rate', absolute: 5 })).toEqual([
      'guardrails[0].absolute: 0.05 is five per cent; 5 guards nothing',
    ]);
    expect(refused({ metric: 'error_rate', absolute: 1 })).toEqual([
      'guardrails[0].absolute: 0.05 is five per cent; 1 guards nothing',
    ]);
    expect(refused({ metric: 'score', relative: 1 })).toEqual([
      'guardrails[0].relative: 0.05 is five per cent; 1 guards nothing',
    ]);
    expect(refused({ metric: 'latency_ms', absolute: 5000, ceiling: 3000 })).toEqual([
      'guardrails[0].absolute: must be below the ceiling; 5000 guards nothing',
    ]);
    expect(refused({ metric: 'pass_rate', absolute: 0.99 })).toEqual([]);
    expect(refused({ metric: 'error_rate', relative: 5 })).toEqual([]);
  });

  test('has arms that are taken for nothing else in its results', () => {
    const named = (name: string): string[] =>
      errorsOf({ kind: 'shadow', name: 'seen', share: 1, budget_usd: 1, arms: [{ name }] });
    expect(named('delivered')).toEqual(['arms[0].name: delivered stands for what was delivered; take another name']);
    expect(named('judge')).toEqual(['arms[0].name: judge stands for what compares the answers; take another name']);
    expect(named('constructor')).toEqual([
      'arms[0].name: can not be constructor, which has a meaning of its own; take another name',
    ]);
    expect(named('candidate')).toEqual([]);
  });

  test('of a canary without guardrails, or with one arm, is told what is missing', () => {
    expect(errorsOf({ kind: 'canary', name: 'model', arms: [{ name: 'stable' }] })).toEqual([
      'arms: a canary has two arms: first the stable one, then the canary',
      'guardrails: a canary needs a list of guardrails, as in [{ metric: pass_rate, absolute: 0.02 }]',
    ]);
  });

  test('must fit the configuration', () => {
    const bad = (overrides: Record<string, unknown>) =>
      badExperiment(read(ab({}, overrides)), config).map(({ field, message }) => `${field}: ${message}`);
    expect(bad({ models: { economy: [HIGH] } })).toEqual([
      `arms[1].overrides.models.economy[0]: ${HIGH} belongs to tier premium`,
    ]);
    expect(bad({ models: { luxury: [LOW] } })[0]).toContain('no tier luxury');
    expect(bad({ thresholds: { classifier: [0.5] } })).toEqual([
      'arms[1].overrides: classifier.thresholds: 1 given; 3 tiers need 2',
    ]);
    expect(bad({ classifier: 'oracle' })).toEqual([
      'arms[1].overrides.classifier: no classifier oracle; there are trained, rules, llm, hybrid, http',
    ]);
    expect(badExperiment(read(ab({ route: 'nowhere' })), config)[0]?.message).toContain('no route nowhere');
    expect(bad({ models: { economy: [LOW] }, strategy: 'rules' })).toEqual([]);
  });
});

describe('two experiments', () => {
  test('that override the same thing on the same route are refused with both names', () => {
    const other = read(ab({ name: 'other' }));
    expect(conflictsOf(read(ab()), [other]).map(({ message }) => message)).toEqual([
      'prompts and other would both override prompt_prefix on route default; end other first',
    ]);
  });

  test('may run beside each other where they override different things, or on different routes', () => {
    expect(conflictsOf(read(ab()), [read(ab({ name: 'other' }, { models: { economy: [LOW] } }))])).toEqual([]);
    expect(conflictsOf(read(ab()), [read(ab({ name: 'other', route: 'chat' }))])).toEqual([]);
    const tiers = (tier: string, name: string) => read(ab({ name }, { models: { [tier]: [LOW] } }));
    expect(conflictsOf(tiers('economy', 'one'), [tiers('standard', 'two')])).toEqual([]);
  });

  test('a shadow stands in nobody’s way', () => {
    const shadow = read({
      kind: 'shadow',
      name: 'seen',
      arms: [{ name: 'candidate', overrides: { prompt_prefix: 'x' } }],
      share: 0.1,
      budget_usd: 1,
    });
    expect(conflictsOf(read(ab()), [shadow])).toEqual([]);
    expect(conflictsOf(shadow, [read(ab())])).toEqual([]);
  });
});

describe('an arm', () => {
  test('answers with its models, its prompt and its parameters', () => {
    const arm = applyArm(config, 'default', {
      models: { economy: [LOW_TWIN] },
      system_prompt: 'Be brief.',
      prompt_prefix: 'Q: ',
      parameters: { max_output_tokens: 77, reasoning_effort: 'low' },
    });
    const facts = factsOf(arm);
    const { job } = after(acceptedJob(arm), facts, classified(0.1));
    expect(job.attempts[0]?.model).toBe(LOW_TWIN);
    const call = callOf(job, job.attempts[0]!, question, arm, null);
    expect(call).toMatchObject({
      maxOutputTokens: 77,
      input: {
        reasoning_effort: 'low',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Q: Why is the sky blue?' },
        ],
      },
    });
    expect(question.input).toMatchObject({ messages: [{ role: 'user', content: 'Why is the sky blue?' }] });
  });

  test('takes thresholds, checks and strategy from its overrides and all else from the configuration', () => {
    const arm = applyArm(config, 'default', {
      thresholds: { accept_at: { economy: 0.99 } },
      checks: [{ type: 'json' }],
      strategy: 'rules',
    });
    expect(arm.tiers.map(({ accept_at: at }) => at)).toEqual(
      config.tiers.map(({ name, accept_at: at }) => (name === 'economy' ? 0.99 : at)),
    );
    expect(arm.routes['default']).toEqual({ ...config.routes['default'], checks: [{ type: 'json' }], strategy: 'rules' });
    expect(applyArm(config, 'default', {})).toEqual(config);
    const profile = { weights: [1] } as never;
    expect(applyArm(config, 'default', { scorer: 'checks', scorer_profile: profile }).scorer).toMatchObject({
      type: 'checks',
      profile,
    });
  });

  test('is put into force with the others of the job, a shadow’s is not', () => {
    const shadow = read({
      kind: 'shadow',
      name: 'seen',
      arms: [{ name: 'delivered-too', overrides: { strategy: 'rules' } }],
      share: 1,
      budget_usd: 1,
    });
    const active = [read(ab()), canaryOf('new-prompt', { system_prompt: 'Be brief.' }), shadow].map((document) => ({
      document,
      shares: {},
      holds: false,
    }));
    const under = (...arms: [string, string][]) =>
      configOfArms(
        config,
        active,
        arms.map(([experiment, arm]) => ({ experiment, arm, probability: 0.5 })),
      ).routes['default'];
    expect(under(['prompts', 'changed'], ['new-prompt', 'canary'], ['seen', 'delivered-too'], ['gone', 'x'])).toEqual({
      ...config.routes['default'],
      prompt_prefix: 'Think. ',
      system_prompt: 'Be brief.',
    });
    expect(under(['prompts', 'plain'], ['new-prompt', 'stable'])).toEqual(config.routes['default']);
  });

  test('a model on trial answers only where it is named', () => {
    const trial = exampleConfig((file) => {
      file.models['openai/new'] = exampleModel('economy', 0.01, { on_trial: true });
    });
    const asked = (under: typeof trial) => decide(acceptedJob(under), classified(0.1), factsOf(under)).job.attempts[0]?.model;
    expect(asked(trial)).toBe(LOW);
    expect(asked(applyArm(trial, 'default', { models: { economy: ['openai/new'] } }))).toBe('openai/new');
  });
});

test('an experiment that has ended takes no command, whatever its kind', () => {
  const kinds = [
    canaryOf('new-model'),
    read(ab()),
    read(ab({ kind: 'adaptive', arms: [{ name: 'plain' }, { name: 'changed' }] })),
  ];
  for (const document of kinds)
    for (const before of ['promote', 'pause', null] as const) {
      const running = newExperimentState(document, 0.5, NOON);
      const state = before ? commandExperiment(document, running, before, document.arms[1]!.name, NOON).state : running;
      const ended = endExperiment(state, 'the configuration has changed').state;
      for (const name of ['pause', 'resume', 'promote', 'abort'] as const)
        expect(() => commandExperiment(document, ended, name, document.arms[1]!.name, NOON)).toThrow(`it is ended; to ${name}`);
    }
});

test('a canary promotes its second arm, and refuses to promote any other that is named', () => {
  const document = canaryOf('new-model');
  const promote = (arm: string | null) =>
    commandExperiment(document, newExperimentState(document, 0.5, NOON), 'promote', arm, NOON).state.status;
  expect([promote(null), promote('canary')]).toEqual(['promoted', 'promoted']);
  for (const arm of ['stable', 'nova']) expect(() => promote(arm)).toThrow('a canary promotes canary; to keep stable, abort it');
});

test('a canary does not pass a step of which its guardrail was told nothing, and says so', () => {
  const document = read({
    kind: 'canary',
    name: 'cheaper',
    arms: [{ name: 'stable' }, { name: 'canary' }],
    guardrails: [{ metric: 'cost_usd', relative: 0.1, ceiling: 0.001 }],
    steps: [50, 100],
    min_samples: 2,
    min_seconds: 0,
  });
  const tallied = (...costs: (number | null)[]) =>
    costs.reduce<ArmTally>(
      (tally, cost) =>
        addObservation(tally, document, { ...outcome(true), metrics: { ...outcome(true).metrics, cost_usd: cost } }, 0.5),
      emptyArmTally(1),
    );
  const stateAfter = (...costs: (number | null)[]) => {
    const tallies = { stable: tallied(0.0001, 0.0001, 0.0001), canary: tallied(...costs) };
    return evaluateExperiment(document, newExperimentState(document, 0.5, NOON), tallies, NOON).state;
  };
  expect(stateAfter(null, null, null)).toMatchObject({
    status: 'running',
    reason: 'step 1 of 2 (50 %): 0 of 2 jobs tell of cost_usd',
  });
  expect(stateAfter(null)).toMatchObject({
    reason: 'step 1 of 2 (50 %): 1 of 2 jobs judged, 0 of 2 jobs tell of cost_usd',
  });
  expect(stateAfter(0.0001, null, 0.0001)).toMatchObject({ status: 'promoted' });
});

test('a shadow does not follow a job whose answer a canary holds', () => {
  const canary = canaryOf('new-model');
  const shadow = read({ kind: 'shadow', name: 'seen', arms: [{ name: 'candidate' }], share: 1, budget_usd: 1 });
  const chosen = (canaryShare: number) =>
    chooseArms(
      [
        { document: canary, shares: { stable: 1 - canaryShare, canary: canaryShare }, holds: true },
        { document: shadow, shares: { candidate: 1 }, holds: false },
      ],
      'default',
      { id: 'job_1', metadata: {} },
    );
  expect(chosen(1)).toMatchObject({ arms: [{ experiment: 'new-model', arm: 'canary' }], holdFor: 'new-model' });
  expect(chosen(0)).toMatchObject({ arms: [{ arm: 'stable' }, { experiment: 'seen', arm: 'delivered' }], holdFor: null });
});

test('a job whose answer a canary holds takes no part in another that holds, whichever arm it would get there', () => {
  const holding = (name: string, canaryShare: number, holds = true) => ({
    document: canaryOf(name, { [name]: 'x' }),
    shares: { stable: 1 - canaryShare, canary: canaryShare },
    holds,
  });
  const chosen = (...active: ReturnType<typeof holding>[]) => {
    const { arms, holdFor } = chooseArms(active, 'default', { id: 'job_1', metadata: {} });
    return [holdFor, ...arms.map(({ experiment, arm }) => `${experiment}: ${arm}`)];
  };
  const [one, other] = ['system_prompt', 'prompt_prefix'];
  expect(chosen(holding(one, 1), holding(other, 1))).toEqual([one, `${one}: canary`]);
  expect(chosen(holding(one, 1), holding(other, 0))).toEqual([one, `${one}: canary`]);
  expect(chosen(holding(one, 0), holding(other, 1))).toEqual([other, `${other}: canary`]);
  expect(chosen(holding(one, 0), holding(other, 0))).toEqual([null, `${one}: stable`, `${other}: stable`]);
  expect(chosen(holding(one, 1), holding(other, 1, false))).toEqual([one, `${one}: canary`, `${other}: canary`]);
});

test('the unit of a job is its id or a word of its metadata; without that it takes no part', () => {
  const job = { id: 'job_1', metadata: { tenant: 'acme', team: 'blue' } };
  expect([unitOf('job', job), unitOf('tenant', job), unitOf('metadata.team', job), unitOf('user', job)]).toEqual([
    'job_1',
    'acme',
    'blue',
    null,
  ]);
});

test('the documents of the examples fit the shipped configuration once their model is declared', async () => {
  const root = new URL('../../', import.meta.url);
  const text = async (name: string): Promise<unknown> => parse(await readFile(new URL(name, root), 'utf8'));
  const shipped = (await text('upshift.config.yaml')) as { models: Record<string, unknown> };
  const guide = await readFile(new URL('docs/experiments.md', root), 'utf8');
  const declared = parse(/```yaml\n(models:[^`]*)```/.exec(guide)![1]!) as { models: Record<string, unknown> };
  const models = upshiftConfig.parse({ ...shipped, models: { ...shipped.models, ...declared.models } });
  for (const name of ['shadow', 'canary']) {
    const file = await readFile(new URL(`examples/experiments/${name}.yaml`, root), 'utf8');
    expect(badExperiment(read(parse(file)), models)).toEqual([]);
    expect(guide).toContain(file.trim());
  }
});
