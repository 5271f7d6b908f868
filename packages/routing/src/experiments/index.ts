export { emptyAdaptive, evaluateAdaptive } from './adaptive.ts';
export type { AdaptiveState } from './adaptive.ts';
export { addObservation, emptyArmTally } from './arm-tally.ts';
export type { ArmTally } from './arm-tally.ts';
export { applyArm, badExperiment } from './apply-arm.ts';
export { assign, unitOf } from './assign.ts';
export type { UnitFacts } from './assign.ts';
export { canaryShare, command, evaluate, newCanary } from './canary.ts';
export type { CanaryDecision, CanaryState, CanaryStatus, ExperimentAction } from './canary.ts';
export { chooseArms, configOfArms } from './choose-arms.ts';
export type { ActiveExperiment } from './choose-arms.ts';
export {
  differenceInterval,
  differs,
  meanInterval,
  quantileInterval,
  unboundedDifferenceInterval,
  unboundedMeanInterval,
} from './confidence-sequence.ts';
export { conflictsOf, overriddenBy } from './conflicts.ts';
export { changesSince, dependenciesOf, reasonsToEnd } from './dependencies.ts';
export type { Dependencies } from './dependencies.ts';
export { isRejected, newEProcess, observe } from './guardrail-bet.ts';
export type { Bound, EProcess } from './guardrail-bet.ts';
export { commandExperiment, endExperiment, evaluateExperiment, fateOfHeld, newExperimentState, sharesOf } from './lifecycle.ts';
export type { ExperimentDecision, ExperimentState } from './lifecycle.ts';
export { observationOf } from './observation.ts';
export type { Observation } from './observation.ts';
export { addOutcome, canaryTimeMs, outcomeOf, rerunNeedsMs } from './outcome.ts';
export type { Outcome, Tallies } from './outcome.ts';
export { resultsOf } from './results.ts';
export type { Evidence, ExperimentResults } from './results.ts';
export type { Preferences } from './result-words.ts';
export { emptyTally, meanOf, minus, plus, tallyOf } from './tally.ts';
export type { Tally } from './tally.ts';
export { comeToTheSame, comparisonConfig, comparisonRequest, isFollowed, readPreference, shadowRequest } from './shadow.ts';
export { thompsonShares } from './thompson.ts';
