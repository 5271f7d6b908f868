export { emptyAdaptive, evaluateAdaptive } from './adaptive.ts';
export type { AdaptiveState } from './adaptive.ts';
export { applyArm, badExperiment } from './apply-arm.ts';
export { assign, unitOf } from './assign.ts';
export type { UnitFacts } from './assign.ts';
export { canaryShare, command, evaluate, newCanary } from './canary.ts';
export type { CanaryAction, CanaryDecision, CanaryState, CanaryStatus } from './canary.ts';
export { chooseArms, configOfArms } from './choose-arms.ts';
export type { ActiveExperiment } from './choose-arms.ts';
export { differenceInterval, differs, meanInterval, quantileInterval, unboundedMeanInterval } from './confidence-sequence.ts';
export { conflictsOf, overriddenBy } from './conflicts.ts';
export { isRejected, newEProcess, observe } from './guardrail-bet.ts';
export type { Bound, EProcess } from './guardrail-bet.ts';
export { addObservation, emptyArmTally, observationOf } from './observation.ts';
export type { ArmTally, Observation } from './observation.ts';
export { resultsOf } from './results.ts';
export type { ExperimentResults } from './results.ts';
export {
  addOutcome,
  commandExperiment,
  dependencyText,
  endExperiment,
  evaluateExperiment,
  newExperimentState,
  sharesOf,
} from './lifecycle.ts';
export type { ExperimentAction, ExperimentDecision, ExperimentState, Outcome } from './lifecycle.ts';
export { emptyTally, meanOf, minus, plus, tallyOf } from './tally.ts';
export type { Tally } from './tally.ts';
export { comeToTheSame, comparisonRequest, readPreference, shadowRequest } from './shadow.ts';
export { thompsonShares } from './thompson.ts';
