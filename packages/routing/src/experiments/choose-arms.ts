import { DELIVERED } from '@upshift/contracts';
import type { Assignment, Experiment, UpshiftConfig } from '@upshift/contracts';

import { applyArm } from './apply-arm.ts';
import { assign, unitOf } from './assign.ts';
import type { UnitFacts } from './assign.ts';

/** What intake must know of an experiment to give jobs their arms. */
export interface ActiveExperiment {
  document: Experiment;
  shares: Record<string, number>;
  /** Whether the canary's answers are held now. */
  holds: boolean;
}

/** The arms of a new job in all experiments of its route, and the canary for which its answer must be held. */
export function chooseArms(
  active: ActiveExperiment[],
  route: string,
  job: UnitFacts,
): { arms: Assignment[]; holdFor: string | null } {
  const of = active.filter(({ document }) => document.route === route);
  const chosen = of.flatMap((experiment) => {
    const arm = armOf(experiment, job);
    return arm ? [{ experiment, arm }] : [];
  });
  const held = chosen.find(({ experiment: { document, holds }, arm }) => holds && arm.arm === document.arms[1]?.name);
  // What is held may never be delivered, so that a shadow would be compared with nothing; and it waits for one canary only, so that what another
  // one should hold would go out unproven. That one gives up such jobs of both its arms, which stay alike.
  const taking = held ? chosen.filter((one) => one === held || !mustStandBack(one.experiment)) : chosen;
  return { arms: taking.map(({ arm }) => arm), holdFor: held?.experiment.document.name ?? null };
}

/** The configuration of a job with these arms. A shadow changes nothing of the job that it follows. */
export function configOfArms(config: UpshiftConfig, active: ActiveExperiment[], arms: Assignment[]): UpshiftConfig {
  return arms.reduce((applied, { experiment, arm }) => {
    const document = active.find((one) => one.document.name === experiment)?.document;
    const overrides = document?.arms.find(({ name }) => name === arm)?.overrides;
    if (!document || document.kind === 'shadow' || !overrides) return applied;
    return Object.keys(overrides).length === 0 ? applied : applyArm(applied, document.route, overrides);
  }, config);
}

function mustStandBack({ document, holds }: ActiveExperiment): boolean {
  return holds || document.kind === 'shadow';
}

function armOf({ document, shares }: ActiveExperiment, job: UnitFacts): Assignment | null {
  const unit = unitOf(document.unit, job);
  if (unit === null) return null;
  if (document.kind !== 'shadow') return assign(document.name, shares, unit);
  const shadowed = assign(document.name, { [DELIVERED]: document.share, '': 1 - document.share }, unit);
  return shadowed?.arm === DELIVERED ? shadowed : null;
}
