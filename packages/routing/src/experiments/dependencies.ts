import type { Experiment, ExperimentStatus, ModelConfig, UpshiftConfig } from '@upshift/contracts';
import { upshiftConfig } from '@upshift/contracts';

import { badExperiment } from './apply-arm.ts';
import { overriddenBy } from './conflicts.ts';

/** What of the configuration an experiment goes by: names, and what stands there, as text. */
export interface Dependencies {
  /** All that decides how the jobs of its route are answered: where it changes, what was measured is no longer comparable. */
  measured: Record<string, string>;
  /** What a promoted arm stands in for: where that changes, the configuration has caught up with it, or wants something else. */
  replaced: Record<string, string>;
}

export function dependenciesOf(document: Experiment, config: UpshiftConfig): Dependencies {
  const route = config.routes[document.route];
  const named = new Set(document.arms.flatMap(({ overrides }) => Object.values(overrides.models ?? {}).flat()));
  const models = Object.entries(config.models).filter(([id, model]) => model.on_trial !== true || named.has(id));
  const trials = [...named].map((id) => [`model ${id}`, text(placeOf(config.models[id]))] as const);
  return {
    measured: {
      [`route ${document.route}`]: text(route),
      tiers: text(config.tiers),
      classifier: text(config.classifier),
      scorer: text(config.scorer),
      rules: text(config.rules),
      judge: text(config.judge),
      ...Object.fromEntries(models.map(([id, model]) => [`model ${id}`, text(answeringPart(model))])),
    },
    replaced: {
      ...Object.fromEntries(overriddenBy(document).map((name) => [name, text(valueOf(name, document.route, config))])),
      ...Object.fromEntries(trials),
    },
  };
}

/** The names of what has changed since an experiment began, as far as it goes by that. */
export function changesSince(then: Dependencies, now: Dependencies, status: ExperimentStatus): string[] {
  const part = status === 'promoted' ? 'replaced' : 'measured';
  const names = new Set([...Object.keys(then[part] ?? {}), ...Object.keys(now[part])]);
  return [...names].filter((name) => !isSame(name, then[part]?.[name], now[part][name]));
}

function isSame(name: string, then: string | undefined, now: string | undefined): boolean {
  return then === now || (then !== undefined && asReadToday(name, then) === now);
}

const { routes, models, tiers, classifier, scorer, rules, judge } = upshiftConfig.shape;
const schemas = new Map(
  Object.entries({ route: routes.valueType, model: models.valueType, tiers, classifier, scorer, rules, judge }),
);

/** What stood there with the defaults of keys that it was stored without: a version that knows more keys is no change of the configuration. */
function asReadToday(name: string, then: string): string {
  const [kind = ''] = name.split(' ');
  const read = schemas.get(kind)?.safeParse(JSON.parse(then));
  if (!read?.success) return then;
  return text(kind === 'model' ? answeringPart(read.data as ModelConfig) : read.data);
}

/** What an experiment goes by, as far as it is known to the processes that give jobs its arms. */
interface Dependent {
  document: Experiment;
  dependsOn: Dependencies;
  status: ExperimentStatus;
}

/** What of a configuration ends an experiment: what has changed, or else why its arms would be refused there; empty where nothing does. */
export function reasonsToEnd({ document, dependsOn, status }: Dependent, config: UpshiftConfig): string[] {
  const changes = changesSince(dependsOn, dependenciesOf(document, config), status);
  if (changes.length > 0) return changes;
  // A promoted arm goes by little, and may still name what the configuration has dropped.
  return badExperiment(document, config).map(({ field, message }) => `${field}: ${message}`);
}

/** How often and how fast a model is called is the operator's daily business, and changes no answer. */
function answeringPart(model: ModelConfig): Partial<ModelConfig> {
  const { concurrency: _concurrency, rate_limit: _rateLimit, slow_call_s: _slowCallS, ...part } = model;
  return part;
}

function placeOf(model: ModelConfig | undefined): Partial<ModelConfig> | undefined {
  return model && { tier: model.tier, on_trial: model.on_trial };
}

/** What the configuration says where an arm overrides something. */
function valueOf(name: string, route: string, config: UpshiftConfig): unknown {
  const of = config.routes[route];
  const [, kind, key = ''] = /^(models|parameters|thresholds\.accept_at)\.(.+)$/.exec(name) ?? [];
  if (kind === 'models') return of?.models?.[key];
  if (kind === 'parameters') return Object.entries(of?.parameters ?? {}).find(([parameter]) => parameter === key)?.[1];
  if (kind === 'thresholds.accept_at') return config.tiers.find((tier) => tier.name === key)?.accept_at;
  if (name === 'thresholds.classifier') return config.classifier.thresholds;
  if (name === 'classifier') return of?.classifier ?? config.classifier.type;
  if (name === 'scorer') return config.scorer.type;
  if (name === 'scorer_profile') return config.scorer.profile;
  return Object.entries(of ?? {}).find(([field]) => field === name)?.[1];
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null);
}
