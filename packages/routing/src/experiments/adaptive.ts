import type { ExperimentOf } from '@upshift/contracts';

import { draw } from '../draw.ts';
import type { ArmTally, WeightedSums } from './arm-tally.ts';
import { emptyTally, meanOf } from './tally.ts';
import { addToEstimate, emptyEstimate, sumsSince, thompsonShares } from './thompson.ts';
import type { WeightedEstimate } from './thompson.ts';

type Adaptive = ExperimentOf<'adaptive'>;

/** Plain data, to be stored: what the evaluator knows of an adaptive experiment. */
export interface AdaptiveState {
  /** In [0, 1): the source of all draws. */
  seed: number;
  evaluations: number;
  shares: Record<string, number>;
  estimates: Record<string, WeightedEstimate>;
  /** What was tallied at the last evaluation. */
  jobs: number;
  sums: Record<string, WeightedSums>;
  /** The guess of each arm's mean, made before the jobs that it corrects. */
  guesses: Record<string, number>;
}

/** The start: equal shares. */
export function emptyAdaptive({ arms }: Adaptive, seed: number): AdaptiveState {
  const each = <Value>(value: Value): Record<string, Value> => Object.fromEntries(arms.map(({ name }) => [name, value]));
  return {
    seed,
    evaluations: 0,
    shares: each(1 / arms.length),
    estimates: each(emptyEstimate),
    jobs: 0,
    sums: each({ w: 0, wy: 0, ww: 0, wwy: 0, wwyy: 0 }),
    guesses: each(0.5),
  };
}

/** Takes the jobs since the last evaluation into the estimates, then draws new shares. */
export function evaluateAdaptive(
  { arms, floor }: Adaptive,
  state: AdaptiveState,
  tallies: Record<string, ArmTally>,
): AdaptiveState {
  const names = arms.map(({ name }) => name);
  const of = <Value>(value: (name: string) => Value): Record<string, Value> =>
    Object.fromEntries(names.map((name) => [name, value(name)]));
  const sums = of((name) => tallies[name]?.weighted ?? state.sums[name]!);
  const rewards = of((name) => tallies[name]?.rewards ?? emptyTally);
  const jobs = Object.values(rewards).reduce((total, { count }) => total + count, 0);
  if (jobs === state.jobs) return state;
  const evaluations = state.evaluations + 1;
  return {
    seed: state.seed,
    evaluations,
    shares: thompsonShares(rewards, floor, draw(state.seed, evaluations)),
    estimates: of((name) =>
      addToEstimate(state.estimates[name]!, state.guesses[name]!, jobs - state.jobs, sumsSince(sums[name]!, state.sums[name]!)),
    ),
    jobs,
    sums,
    guesses: of((name) => meanOf(rewards[name]!) ?? state.guesses[name]!),
  };
}
