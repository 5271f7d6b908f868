import { z } from 'zod';

import { check } from './check.ts';
import type { Check } from './check.ts';
import { classifierProfile } from './classifier-profile.ts';
import { modelConfig } from './model-config.ts';
import { modelId, splitModelId } from './model-id.ts';
import { keyName, providerName, routeName, taskName, webhookName } from './names.ts';
import { providerConfig } from './provider-config.ts';
import { routeParameters } from './route-parameters.ts';
import { scorerProfile } from './scorer-profile.ts';

/** What an arm of an experiment may set too. */
export const acceptAt = z.union([z.number().min(0).max(1), z.literal('always')], 'must be a number from 0 to 1, or always');

const tier = z.strictObject({
  name: keyName(z.string().regex(/^[a-z][a-z0-9_-]*$/, 'a tier is a lower-case word, as in economy')),
  accept_at: acceptAt.describe('The least score that is accepted. Gates hold at `always` too.'),
});

const rule = z.strictObject({
  tier: z.string(),
  prefer: z.array(modelId).default([]).describe('Models to try first in that tier, in this order.'),
});

/** What an arm of an experiment may name too. */
export const scorerTypes = ['trained', 'checks'] as const;
export const classifierTypes = ['trained', 'rules', 'llm', 'hybrid', 'http'] as const;
export type ClassifierType = (typeof classifierTypes)[number];

const route = z.strictObject({
  strategy: z.enum(['rules', 'classifier', 'cascade']),
  start: z
    .array(z.enum(['rules', 'classifier']))
    .min(1)
    .default(['rules', 'classifier'])
    .describe('Who says at which tier a cascade starts: the first that knows.'),
  classifier: z.enum(classifierTypes).optional().describe('In place of `classifier.type`.'),
  explore: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'The part of the jobs of a cascade that starts at the lowest tier by chance, so that labels also tell of prompts that look hard.',
    ),
  checks: z.array(check).default([]),
  models: z
    .record(z.string(), z.array(modelId).min(1))
    .optional()
    .describe(
      'By tier: the models that answer there on this route, in this order, in place of all of the tier. Vectors are made by the embedding models among them, where there are any.',
    ),
  system_prompt: z
    .string()
    .min(1)
    .optional()
    .describe('Said before the messages of each job, in place of its own system messages.'),
  prompt_prefix: z.string().min(1).optional().describe('Put before the last message of the user.'),
  parameters: routeParameters.optional().describe('For jobs that do not set them.'),
  fallback: z.array(modelId).default([]).describe('The last resort, in this order.'),
  hedge: z
    .boolean()
    .default(false)
    .describe(
      'True: where a call takes longer than 95 % of its model’s, a second model of the tier is asked beside it. The first answer counts; the other call is cancelled, and its cost recorded.',
    ),
  cached_answers_s: z
    .number()
    .positive()
    .max(604_800)
    .optional()
    .describe(
      'Where all models have failed: an accepted answer to the same request (all of its body, metadata too) that is no older than so many seconds is given, degraded. Unset: never.',
    ),
  on_refusal: z
    .array(modelId)
    .default([])
    .describe('Models that may be asked when one refuses by policy. Empty: the refusal is the result.'),
  max_attempts: z.int().positive().max(50).default(12).describe('Paid calls for one job, judges included.'),
  max_escalations: z.int().nonnegative().max(10).default(5),
  cost_usd: z.number().positive().optional().describe('Cap on the cost of one job.'),
  deadline_s: z.number().positive().optional(),
  webhook: webhookName.optional().describe('Told of the end of each job of this route that names no webhook itself.'),
});
export type RouteConfig = z.infer<typeof route>;

const classifier = z.strictObject({
  type: z
    .enum(classifierTypes)
    .default('trained')
    .describe(
      '`trained` has learnt where stronger models gain; `rules` goes by hand-set signs of hard work; `llm` asks a cheap model, `hybrid` only where `trained` is near a threshold; `http` asks your own service. Where nobody answers in time, `trained` does.',
    ),
  thresholds: z.array(z.number().gt(0).lt(1)),
  profile: classifierProfile
    .optional()
    .describe('What your own traffic changes of the trained classifier: written by `upshift train`.'),
  llm: z
    .strictObject({
      models: z.array(modelId).default([]).describe('Who may be asked, in this order; each needs `structured_output`.'),
      timeout_s: z
        .number()
        .positive()
        .max(60)
        .default(5)
        .describe('Longest from the request to the answer, the wait for a worker included.'),
      margin: z.number().gt(0).max(0.5).default(0.1).describe('`hybrid` asks where a threshold is no further away than this.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      webhook: webhookName.describe('The endpoint that is asked; requests to it are signed as webhooks are.'),
      timeout_s: z.number().positive().max(60).default(2).describe('Longest that it may take to answer.'),
    })
    .optional(),
});

const shape = z.strictObject({
  providers: z.record(keyName(providerName), providerConfig),
  models: z.record(modelId, modelConfig),
  tiers: z.array(tier).min(1),
  classifier,
  scorer: z
    .strictObject({
      type: z
        .enum(scorerTypes)
        .default('trained')
        .describe(
          '`trained` adds the check `trained` to every route that does not name it; `checks` runs only those that are named.',
        ),
      profile: scorerProfile
        .optional()
        .describe('What your own labels change of the trained scorer: written by `upshift calibrate`.'),
    })
    .prefault({}),
  rules: z.record(taskName, rule).default({}),
  routes: z.record(keyName(routeName), route),
  judge: z.strictObject({ models: z.array(modelId).default([]) }).default({ models: [] }),
  intake: z
    .strictObject({
      max_backlog: z
        .int()
        .positive()
        .default(1_000_000)
        .describe('Unfinished jobs; above it, new ones get 503. Each cell has an equal share, rounded up.'),
      body_limit_bytes: z.int().positive().default(2_000_000),
    })
    .prefault({}),
  retention: z
    .strictObject({
      job_hours: z.number().positive().default(168).describe('How long a finished job stays readable.'),
      idempotency_hours: z.number().positive().default(168),
    })
    .prefault({}),
  learning: z
    .strictObject({
      labels_kept: z
        .int()
        .nonnegative()
        .max(1_000_000)
        .default(20_000)
        .describe('Verdicts kept for `upshift train`, the newest in each cell, without any text; 0 keeps none.'),
      labels_days: z.number().positive().default(90).describe('And no older than this.'),
    })
    .prefault({}),
  recording: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('Whether `GET /v1/jobs/{id}/recording` shows ended jobs with their answers, for `upshift record`.'),
      redact: z
        .array(z.string().min(1).max(1000))
        .max(100)
        .default([])
        .describe('Regular expressions (RE2). What they match in a recording is replaced by `[redacted-1]`, `[redacted-2]`, ….'),
    })
    .prefault({}),
  webhooks: z
    .strictObject({
      allow_private_addresses: z
        .boolean()
        .default(false)
        .describe('For development: deliver to any address and port, and without TLS.'),
      timeout_s: z.number().positive().max(60).default(20).describe('Longest that a receiver may take to answer.'),
      retry_after_s: z
        .array(z.number().positive())
        .max(20)
        .default([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
        .describe('Pauses after failed deliveries; when they are used up the delivery has failed.'),
    })
    .prefault({}),
});

/** `upshift.config.yaml`. Every name that is used must be declared. */
export const upshiftConfig = shape.superRefine((config, context) => {
  const finders = [undeclaredNames, ofOtherTiers, badNames, badRetention, badClassifiers, badThresholds];
  const problems = finders.flatMap((find) => find(config));
  for (const [path, message] of problems) context.addIssue({ code: 'custom', path, message });
});
export type UpshiftConfig = z.infer<typeof upshiftConfig>;

/**
 * A configuration as some version of Upshift has stored it: keys that came later have their defaults, and those of a newer version, which a file
 * may not have, are left out, so that the way back from it strands no job.
 */
export function readStoredConfig(text: string): UpshiftConfig {
  const stored: unknown = JSON.parse(text);
  for (const issue of upshiftConfig.safeParse(stored).error?.issues ?? []) {
    if (issue.code !== 'unrecognized_keys') continue;
    const place = issue.path.reduce((value, key) => (value as Record<PropertyKey, unknown>)[key], stored);
    for (const key of issue.keys) Reflect.deleteProperty(place as object, key);
  }
  return upshiftConfig.parse(stored);
}

type Shape = z.infer<typeof shape>;
type Path = (string | number)[];
type Problem = [path: Path, message: string];

function undeclaredNames(config: Shape): Problem[] {
  const [providers, models] = [Object.keys(config.providers), Object.keys(config.models)];
  const tiers = config.tiers.map(({ name }) => name);
  return [
    ...models.flatMap((id) => undeclared(['models', id], 'provider', splitModelId(id).provider, providers)),
    ...tierReferences(config).flatMap(({ path, tier }) => undeclared(path, 'tier', tier, tiers)),
    ...modelReferences(config).flatMap(({ path, ids }) =>
      ids.flatMap((id, index) => undeclared([...path, index], 'model', id, models)),
    ),
  ];
}

function undeclared(path: Path, kind: string, name: string, declared: string[]): Problem[] {
  return declared.includes(name) ? [] : [[path, `no ${kind} ${name}; declared: ${declared.join(', ') || 'none'}`]];
}

/** Models that a route names for a tier which is not theirs. */
function ofOtherTiers({ routes, models }: Shape): Problem[] {
  return Object.entries(routes).flatMap(([name, route]) =>
    Object.entries(route.models ?? {}).flatMap(([tier, ids]) =>
      ids.flatMap((id, index): Problem[] => {
        const own = models[id]?.tier ?? tier;
        return own === tier ? [] : [[['routes', name, 'models', tier, index], `${id} belongs to tier ${own}`]];
      }),
    ),
  );
}

function badNames({ tiers, routes }: Shape): Problem[] {
  const names = tiers.map(({ name }) => name);
  const problems: Problem[] = [];
  if (names.includes('fallback')) problems.push([['tiers'], 'the name fallback belongs to the fallback queue']);
  if (new Set(names).size !== names.length) problems.push([['tiers'], 'two tiers have the same name']);
  if (!Object.hasOwn(routes, 'default')) problems.push([['routes'], 'a route named default is needed']);
  return problems;
}

/** Classifiers that are named and lack what they need. */
function badClassifiers({ classifier: { type, llm, http }, routes, models }: Shape): Problem[] {
  const named: [Path, ClassifierType | undefined][] = [
    [['classifier', 'type'], type],
    ...Object.entries(routes).map(([name, route]): [Path, ClassifierType | undefined] => [
      ['routes', name, 'classifier'],
      route.classifier,
    ]),
  ];
  const problems = named.flatMap(([path, of]): Problem[] => {
    if ((of === 'llm' || of === 'hybrid') && llm.models.length === 0) return [[path, `${of} needs classifier.llm.models`]];
    return of === 'http' && http === undefined ? [[path, 'http needs classifier.http']] : [];
  });
  const unable = llm.models.flatMap((id, index): Problem[] =>
    models[id]?.capabilities.includes('structured_output') === false
      ? [[['classifier', 'llm', 'models', index], `${id} lacks structured_output`]]
      : [],
  );
  return [...problems, ...unable];
}

function badRetention({ retention: { idempotency_hours: keyHours, job_hours: jobHours } }: Shape): Problem[] {
  return keyHours > jobHours ? [[['retention', 'idempotency_hours'], 'a key must not outlive its job: at most job_hours']] : [];
}

function badThresholds({ classifier: { thresholds }, tiers }: Shape): Problem[] {
  const path = ['classifier', 'thresholds'];
  const problems: Problem[] = [];
  if (thresholds.length !== tiers.length - 1)
    problems.push([path, `${thresholds.length} given; ${tiers.length} tiers need ${tiers.length - 1}`]);
  if (thresholds.some((value, index) => index > 0 && value <= thresholds[index - 1]!))
    problems.push([path, 'thresholds must rise']);
  return problems;
}

/** The models that a check names. */
export function modelsOfCheck(check: Check): string[] {
  if (check.type === 'agreement') return check.models ?? [];
  return check.type === 'llm_judge' ? (check.against ?? []) : [];
}

function tierReferences({ models, rules, routes }: Shape): { path: Path; tier: string }[] {
  return [
    ...Object.entries(models).map(([id, { tier }]) => ({ path: ['models', id, 'tier'], tier })),
    ...Object.entries(rules).map(([task, { tier }]) => ({ path: ['rules', task, 'tier'], tier })),
    ...Object.entries(routes).flatMap(([name, route]) =>
      Object.keys(route.models ?? {}).map((tier) => ({ path: ['routes', name, 'models', tier], tier })),
    ),
  ];
}

function modelReferences(config: Shape): { path: Path; ids: string[] }[] {
  return [
    { path: ['judge', 'models'], ids: config.judge.models },
    { path: ['classifier', 'llm', 'models'], ids: config.classifier.llm.models },
    ...Object.entries(config.models).map(([id, { equivalents }]) => ({ path: ['models', id, 'equivalents'], ids: equivalents })),
    ...Object.entries(config.rules).map(([task, { prefer }]) => ({ path: ['rules', task, 'prefer'], ids: prefer })),
    ...Object.entries(config.routes).flatMap(([name, { fallback, on_refusal, checks, models = {} }]) => [
      ...Object.entries(models).map(([tier, ids]) => ({ path: ['routes', name, 'models', tier], ids })),
      ...checks.map((check, index) => ({
        path: ['routes', name, 'checks', index, check.type === 'llm_judge' ? 'against' : 'models'],
        ids: modelsOfCheck(check),
      })),
      { path: ['routes', name, 'fallback'], ids: fallback },
      { path: ['routes', name, 'on_refusal'], ids: on_refusal },
    ]),
  ];
}
