import { z } from 'zod';

import { badShape } from './bad-shape.ts';
import { check, MOST_CHECKS } from './check.ts';
import { acceptAt } from './config.ts';
import { fieldErrors } from './field-errors.ts';
import type { FieldError } from './errors.ts';
import { modelId } from './model-id.ts';
import { keyName, routeName, webhookName } from './names.ts';
import { routeParameters } from './route-parameters.ts';
import { scorerProfile } from './scorer-profile.ts';

export const experimentName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'an experiment is a lower-case word, as in new-economy-model');
const armName = keyName(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'an arm is a lower-case word, as in stable or candidate'));

/** In the results of a shadow: what was delivered for the jobs that the candidate also answered. */
export const DELIVERED = 'delivered';
/** In the outcomes of a shadow: the arm of the jobs that compare two answers. */
export const JUDGE = 'judge';

/** What is measured of each job, and what it says when it is higher. Rates and scores are in [0, 1]. */
export const experimentMetrics = {
  score: { better: 'higher', unit: 'share' },
  pass_rate: { better: 'higher', unit: 'share' },
  escalation_rate: { better: 'lower', unit: 'share' },
  error_rate: { better: 'lower', unit: 'share' },
  refusal_rate: { better: 'lower', unit: 'share' },
  schema_failure_rate: { better: 'lower', unit: 'share' },
  late_failure_rate: { better: 'lower', unit: 'share' },
  cost_usd: { better: 'lower', unit: 'usd' },
  latency_ms: { better: 'lower', unit: 'ms' },
} as const;
export type MetricName = keyof typeof experimentMetrics;
const metricName = z.enum(Object.keys(experimentMetrics) as [MetricName, ...MetricName[]]);

export const armOverrides = z
  .strictObject({
    models: z
      .record(z.string(), z.array(modelId).min(1).max(20))
      .optional()
      .describe('By tier: the models that answer there, in this order, and no others.'),
    system_prompt: z.string().min(1).max(50_000).optional(),
    prompt_prefix: z.string().min(1).max(50_000).optional(),
    parameters: routeParameters.optional(),
    thresholds: z
      .strictObject({
        accept_at: z.record(z.string(), acceptAt).optional(),
        classifier: z.array(z.number().gt(0).lt(1)).optional(),
      })
      .optional(),
    checks: z.array(check).max(MOST_CHECKS).optional().describe('In place of the checks of the route.'),
    strategy: z.enum(['rules', 'classifier', 'cascade']).optional(),
    classifier: z.string().min(1).max(64).optional(),
    scorer: z.string().min(1).max(64).optional(),
    scorer_profile: scorerProfile.optional().describe('What `upshift calibrate` has written.'),
  })
  .describe('What is different for the jobs of this arm; nothing else changes.');
export type ArmOverrides = z.infer<typeof armOverrides>;

const share = z.number().gt(0).max(1);
const plainArm = z.strictObject({ name: armName, overrides: armOverrides.default({}) });
const sharedArm = plainArm.extend({ share });

/** One-sided: how much worse than the first arm an arm may be. */
const guardrail = z.strictObject({
  metric: metricName,
  absolute: z.number().nonnegative().optional().describe('Worse by at most so much, in the metric’s own unit.'),
  relative: z.number().nonnegative().max(10).optional().describe('Worse by at most this part of the first arm’s value.'),
  ceiling: z.number().positive().optional().describe('cost_usd and latency_ms: larger values count as this.'),
  proof: z
    .boolean()
    .default(false)
    .describe('A step passes only when the arm is proven to keep the guardrail, not merely not proven to break it.'),
});
export type Guardrail = z.infer<typeof guardrail>;

const common = {
  name: experimentName,
  route: routeName.default('default'),
  unit: z
    .string()
    .regex(/^(job|tenant|user|metadata\.\S{1,64})$/, 'is job, tenant, user or metadata.KEY')
    .default('job')
    .describe('What always gets the same arm. tenant and user are short for metadata.tenant and metadata.user.'),
  metrics: z.array(metricName).min(1).max(9).default(['pass_rate', 'score', 'escalation_rate', 'cost_usd', 'latency_ms']),
  webhook: webhookName.optional().describe('The endpoint that is told of every change of its state.'),
  alpha: z.number().gt(0).lte(0.5).default(0.05).describe('How often a false alarm may happen, however often one looks.'),
};

const ab = z.strictObject({ kind: z.literal('ab'), ...common, arms: z.array(sharedArm).min(2).max(10) });

const canary = z.strictObject({
  kind: z.literal('canary'),
  ...common,
  arms: z
    .array(plainArm)
    .length(2, 'a canary has two arms: first the stable one, then the canary')
    .describe('First the stable arm, then the canary.'),
  guardrails: z
    .array(guardrail, 'a canary needs a list of guardrails, as in [{ metric: pass_rate, absolute: 0.02 }]')
    .min(1)
    .max(9),
  steps: z.array(z.number().gt(0).lte(100)).min(2).max(20).default([1, 5, 25, 100]).describe('Per cent of the units.'),
  min_samples: z.int().positive().max(10_000_000).default(100).describe('Judged jobs of the canary in a step.'),
  min_seconds: z.number().nonnegative().max(2_592_000).default(60).describe('How long a step lasts at least.'),
  hold: z.boolean().default(false).describe('Whether the canary’s answers wait until its step has passed.'),
});

const shadow = z.strictObject({
  kind: z.literal('shadow'),
  ...common,
  arms: z
    .array(plainArm)
    .length(1, 'a shadow has one arm: the candidate')
    .describe('The candidate. What is delivered comes from the route as it is.'),
  share: share.describe('The part of the jobs that the candidate also answers.'),
  budget_usd: z.number().positive().describe('When it is spent the experiment ends.'),
  judge: z.strictObject({ rubric: z.string().min(1).max(4000) }).optional(),
  // Not false by default: shadows that are stored since before it was there are shown without it.
  below_top: z
    .boolean()
    .optional()
    .describe('Whether only jobs with an answer from below the top tier are followed, as in an audit.'),
});

const adaptive = z.strictObject({
  kind: z.literal('adaptive'),
  ...common,
  arms: z.array(plainArm).min(2).max(10),
  reward: z.enum(['score', 'pass_rate']).default('pass_rate'),
  floor: z.number().gt(0).default(0.05).describe('The least part of the jobs that each arm gets.'),
});

const shape = z.discriminatedUnion('kind', [ab, canary, shadow, adaptive]);

/** The document that declares an experiment, as it is posted. */
export const experimentDocument = shape.superRefine((experiment, context) => {
  const report = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const names = experiment.arms.map((arm) => arm.name);
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) report(['arms', index, 'name'], 'two arms have the same name');
  });
  switch (experiment.kind) {
    case 'ab': {
      const sum = experiment.arms.reduce((total, arm) => total + arm.share, 0);
      if (Math.abs(sum - 1) > 1e-9) report(['arms'], `the shares add up to ${Number(sum.toFixed(6))}; they must add up to 1`);
      break;
    }
    case 'canary':
      experiment.guardrails.forEach((guardrail, index) =>
        badGuardrail(guardrail).forEach(([key, message]) => report(['guardrails', index, ...key], message)),
      );
      experiment.steps.forEach((step, index) => {
        if (index > 0 && step <= experiment.steps[index - 1]!) report(['steps', index], 'steps must rise');
      });
      if (experiment.steps.at(-1) !== 100) report(['steps'], 'the last step is 100');
      if (Object.keys(experiment.arms[0]?.overrides ?? {}).length > 0)
        report(['arms', 0, 'overrides'], 'the first arm is the stable one and overrides nothing');
      break;
    case 'shadow':
      if (names[0] === DELIVERED) report(['arms', 0, 'name'], `${DELIVERED} stands for what was delivered; take another name`);
      if (names[0] === JUDGE) report(['arms', 0, 'name'], `${JUDGE} stands for what compares the answers; take another name`);
      experiment.metrics.forEach((metric, index) => {
        if (metric === 'late_failure_rate')
          report(['metrics', index], 'is not measured in a shadow: nobody is given what its candidate answers');
      });
      break;
    case 'adaptive':
      if (experiment.floor * experiment.arms.length > 1)
        report(
          ['floor'],
          `${experiment.arms.length} arms can have at most ${Number((1 / experiment.arms.length).toFixed(4))} each`,
        );
      if (experiment.unit !== 'job') report(['unit'], 'the shares of adaptive arms change all the time: the unit is job');
  }
});
export type Experiment = z.infer<typeof experimentDocument>;
export type ExperimentOf<Kind extends Experiment['kind']> = Extract<Experiment, { kind: Kind }>;

/** Reads a document: an experiment, or every bad field at once. */
export function parseExperiment(body: unknown): { experiment: Experiment } | { errors: FieldError[] } {
  const bad = badShape(body);
  if (bad) return { errors: [bad] };
  const parsed = experimentDocument.safeParse(body);
  if (!parsed.success) return { errors: fieldErrors(parsed.error, body, schemaOf(body)) };
  return { experiment: parsed.data };
}

/** The schema of the kind that was meant, so that an unknown key is compared with the keys of that kind alone. */
function schemaOf(body: unknown): z.ZodType {
  const kind = typeof body === 'object' && body !== null && 'kind' in body ? body.kind : null;
  return shape.options.find((option) => option.shape.kind.value === kind) ?? shape;
}

function badGuardrail({ metric, absolute, relative, ceiling, proof }: Guardrail): [string[], string][] {
  const bad: [string[], string][] = [];
  if (metric === 'late_failure_rate')
    bad.push([['metric'], 'comes in when a step has long passed; it can be measured and guards nothing']);
  const bounded = experimentMetrics[metric].unit === 'share';
  if ((absolute === undefined) === (relative === undefined)) bad.push([[], 'give absolute or relative, one of the two']);
  if (bounded && ceiling !== undefined) bad.push([['ceiling'], `${metric} is a share and has no ceiling`]);
  if (!bounded && ceiling === undefined) bad.push([['ceiling'], `${metric} needs a ceiling: larger values count as this`]);
  if (proof && (absolute ?? relative ?? 0) === 0)
    bad.push([['proof'], 'that nothing is worse at all can never be proven: allow a margin']);
  return [...bad, ...guardsNothing(experimentMetrics[metric], { absolute, relative, ceiling })];
}

/** A margin that no canary can exceed, as where 5 was meant to be 5 %. */
function guardsNothing(
  { better, unit }: { better: string; unit: string },
  { absolute, relative, ceiling }: Pick<Guardrail, 'absolute' | 'relative' | 'ceiling'>,
): [string[], string][] {
  const most = unit === 'share' ? 1 : (ceiling ?? Infinity);
  if (absolute !== undefined && absolute >= most)
    return [
      [
        ['absolute'],
        unit === 'share'
          ? `0.05 is five per cent; ${absolute} guards nothing`
          : `must be below the ceiling; ${absolute} guards nothing`,
      ],
    ];
  if (better === 'higher' && relative !== undefined && relative >= 1)
    return [[['relative'], `0.05 is five per cent; ${relative} guards nothing`]];
  return [];
}
