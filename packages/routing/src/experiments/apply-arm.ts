import type { ArmOverrides, ClassifierType, Experiment, FieldError, RouteConfig, UpshiftConfig } from '@upshift/contracts';
import { classifierTypes, issuesOf, scorerTypes, upshiftConfig, wordsOf } from '@upshift/contracts';

import { badChecks } from '../score.ts';

/** The classifiers and scorers that an arm may name. */
const versions = { classifier: classifierTypes, scorer: scorerTypes } as const;

/** The configuration under which the jobs of an arm run: that of everybody, with what the arm overrides on its route. */
export function applyArm(config: UpshiftConfig, route: string, overrides: ArmOverrides): UpshiftConfig {
  const { thresholds } = overrides;
  const acceptAt = thresholds?.accept_at ?? {};
  return {
    ...config,
    tiers: config.tiers.map((tier) => (Object.hasOwn(acceptAt, tier.name) ? { ...tier, accept_at: acceptAt[tier.name]! } : tier)),
    classifier: {
      ...config.classifier,
      ...(thresholds?.classifier ? { thresholds: thresholds.classifier } : {}),
    },
    scorer: {
      ...config.scorer,
      ...(overrides.scorer ? { type: overrides.scorer as UpshiftConfig['scorer']['type'] } : {}),
      ...(overrides.scorer_profile ? { profile: overrides.scorer_profile } : {}),
    },
    routes: { ...config.routes, [route]: applyToRoute(config.routes[route]!, overrides) },
  };
}

function applyToRoute(route: RouteConfig, overrides: ArmOverrides): RouteConfig {
  const {
    models,
    parameters,
    system_prompt: systemPrompt,
    prompt_prefix: promptPrefix,
    checks,
    strategy,
    classifier,
  } = overrides;
  return {
    ...route,
    ...(models ? { models: { ...route.models, ...models } } : {}),
    ...(parameters ? { parameters: { ...route.parameters, ...parameters } } : {}),
    ...(systemPrompt === undefined ? {} : { system_prompt: systemPrompt }),
    ...(promptPrefix === undefined ? {} : { prompt_prefix: promptPrefix }),
    ...(checks ? { checks } : {}),
    ...(strategy ? { strategy } : {}),
    ...(classifier ? { classifier: classifier as ClassifierType } : {}),
  };
}

/** What of an experiment does not fit the configuration: names that it does not have, and values that it would refuse. */
export function badExperiment(experiment: Experiment, config: UpshiftConfig): FieldError[] {
  if (!Object.hasOwn(config.routes, experiment.route)) {
    const message = `no route ${experiment.route}; there are ${Object.keys(config.routes).join(', ')}`;
    return [{ field: 'route', value: experiment.route, message }];
  }
  return experiment.arms.flatMap(({ overrides }, index) =>
    badOverrides(overrides, `arms[${index}].overrides`, experiment.route, config),
  );
}

function badOverrides(overrides: ArmOverrides, at: string, route: string, config: UpshiftConfig): FieldError[] {
  const named = [
    ...badTiers(Object.keys(overrides.models ?? {}), `${at}.models`, config),
    ...badTiers(Object.keys(overrides.thresholds?.accept_at ?? {}), `${at}.thresholds.accept_at`, config),
    ...badModels(overrides.models ?? {}, `${at}.models`, config),
    ...badChecks(overrides.checks ?? [], `${at}.checks`),
    ...badVersion('classifier', overrides.classifier, at),
    ...badVersion('scorer', overrides.scorer, at),
  ];
  if (named.length > 0) return named;
  const applied = upshiftConfig.safeParse(applyArm(config, route, overrides));
  return applied.success
    ? []
    : issuesOf(applied.error).map((issue) => ({ field: at, message: `${issue.path.join('.')}: ${wordsOf(issue)}` }));
}

function badTiers(tiers: string[], at: string, config: UpshiftConfig): FieldError[] {
  const names = config.tiers.map(({ name }) => name);
  return tiers
    .filter((tier) => !names.includes(tier))
    .map((tier) => ({ field: `${at}.${tier}`, message: `no tier ${tier}; there are ${names.join(', ')}` }));
}

/** A model is called by the workers of its own tier, so an arm can not move it to another one. */
function badModels(models: Record<string, string[]>, at: string, config: UpshiftConfig): FieldError[] {
  return Object.entries(models).flatMap(([tier, ids]) =>
    ids.flatMap((id, index) => {
      const field = `${at}.${tier}[${index}]`;
      const model = Object.hasOwn(config.models, id) ? config.models[id] : undefined;
      if (model === undefined)
        return [{ field, value: id, message: `no model ${id}; there are ${Object.keys(config.models).join(', ')}` }];
      return model.tier === tier ? [] : [{ field, value: id, message: `${id} belongs to tier ${model.tier}` }];
    }),
  );
}

function badVersion(kind: keyof typeof versions, value: string | undefined, at: string): FieldError[] {
  if (value === undefined || (versions[kind] as readonly string[]).includes(value)) return [];
  return [{ field: `${at}.${kind}`, value, message: `no ${kind} ${value}; there are ${versions[kind].join(', ')}` }];
}
