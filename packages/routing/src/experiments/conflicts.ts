import type { ArmOverrides, Experiment, FieldError } from '@upshift/contracts';

/** The things that an experiment overrides in any of its arms, by name: `models.economy`, `parameters.temperature`. */
export function overriddenBy(experiment: Experiment): string[] {
  return [...new Set(experiment.arms.flatMap(({ overrides }) => namesIn(overrides)))].toSorted();
}

/**
 * What two experiments would both override on the same route, with the names of both. A shadow changes no delivered answer and
 * stands in nobody's way.
 */
export function conflictsOf(added: Experiment, running: Experiment[]): FieldError[] {
  if (added.kind === 'shadow') return [];
  const own = overriddenBy(added);
  return running
    .filter((other) => other.kind !== 'shadow' && other.route === added.route && other.name !== added.name)
    .flatMap((other) =>
      overriddenBy(other)
        .filter((name) => own.includes(name))
        .map((name) => conflict(added, other, name)),
    );
}

function conflict(added: Experiment, other: Experiment, name: string): FieldError {
  const message = `${added.name} and ${other.name} would both override ${name} on route ${added.route}; end ${other.name} first`;
  return { field: `arms.overrides.${name}`, message };
}

/** Tiers, parameters and thresholds are separate things; all else is one thing each. */
function namesIn(overrides: ArmOverrides): string[] {
  return Object.entries(overrides).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === 'models' || name === 'parameters') return Object.keys(value).map((key) => `${name}.${key}`);
    return name === 'thresholds' ? thresholdNames(value as NonNullable<ArmOverrides['thresholds']>) : [name];
  });
}

function thresholdNames({ accept_at: acceptAt, classifier }: NonNullable<ArmOverrides['thresholds']>): string[] {
  const tiers = Object.keys(acceptAt ?? {}).map((tier) => `thresholds.accept_at.${tier}`);
  return classifier === undefined ? tiers : [...tiers, 'thresholds.classifier'];
}
