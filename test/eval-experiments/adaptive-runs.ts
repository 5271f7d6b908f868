import { parseExperiment } from '@upshift/contracts';
import type { Experiment } from '@upshift/contracts';
import { addObservation, assign, emptyAdaptive, emptyArmTally, evaluateAdaptive, resultsOf } from '@upshift/routing';
import type { AdaptiveState, ArmTally } from '@upshift/routing';

import { outcome } from './outcome.ts';
import { randomOf } from './random.ts';

const truth: Record<string, number> = { good: 0.75, fair: 0.7, bad: 0.55 };
const arms = Object.keys(truth);
/** Jobs between two evaluations, and evaluations in a run. */
const BATCH = 50;
const BATCHES = 40;
const Z_95 = 1.959_964;

export interface AdaptiveFigures {
  runs: number;
  jobs: number;
  /** The mean error of the estimates of an arm over all runs, in standard errors of that mean: the largest of the arms. */
  largestBiasZ: number;
  /** The same for plain means, which are biased. */
  plainBiasZ: number;
  /** Part of the 95 % intervals that hold the truth: the least of the arms. */
  leastCoverage: number;
  /** Part of the runs in which the interval that is shown, looked at after every evaluation, was ever without the truth: the most of the arms. */
  mostMisses: number;
  /** The part of the jobs that went to the best arm. */
  shareOfBest: number;
}

interface RunResult {
  estimates: { error: number; plainError: number | null; covers: boolean; missed: boolean }[];
  best: number;
}

/** Adaptive experiments on arms whose means are known, with the product's assignment, evaluator and estimates. */
export function adaptiveFigures(runs: number, told: (done: number, of: number) => void): AdaptiveFigures {
  const results: RunResult[] = [];
  for (let run = 0; run < runs; run += 1) {
    results.push(runOnce(run));
    told(run + 1, runs);
  }
  const perArm = arms.map((_, index) => results.map(({ estimates }) => estimates[index]!));
  return {
    runs,
    jobs: BATCH * BATCHES,
    largestBiasZ: Math.max(...perArm.map((estimates) => Math.abs(zOfMean(estimates.map(({ error }) => error))))),
    plainBiasZ: Math.max(
      ...perArm.map((estimates) => Math.abs(zOfMean(estimates.flatMap(({ plainError }) => plainError ?? [])))),
    ),
    leastCoverage: Math.min(...perArm.map((estimates) => estimates.filter(({ covers }) => covers).length / runs)),
    mostMisses: Math.max(...perArm.map((estimates) => estimates.filter(({ missed }) => missed).length / runs)),
    shareOfBest: results.reduce((sum, { best }) => sum + best, 0) / runs,
  };
}

function runOnce(run: number): RunResult {
  const random = randomOf(run * 65_537 + 3);
  const experiment = adaptive(`run-${run}`);
  const tallies: Record<string, ArmTally> = Object.fromEntries(arms.map((arm) => [arm, emptyArmTally(0)]));
  let state: AdaptiveState = emptyAdaptive(experiment, (run + 0.5) / 1e6);
  const missed = new Set<string>();
  for (let job = 0; job < BATCH * BATCHES; job += 1) {
    const { arm, probability } = assign(experiment.name, state.shares, `job-${job}`)!;
    tallies[arm] = addObservation(tallies[arm]!, experiment, outcome(random() < truth[arm]!), probability);
    if ((job + 1) % BATCH !== 0) continue;
    state = evaluateAdaptive(experiment, state, tallies);
    for (const name of arms.filter((one) => isMissed(experiment, one, state, tallies))) missed.add(name);
  }
  return {
    estimates: arms.map((arm) => ({ ...estimateOf(arm, state, tallies[arm]!), missed: missed.has(arm) })),
    best: tallies['good']!.jobs / (BATCH * BATCHES),
  };
}

/** Whether the interval that users see of an arm's reward leaves out the truth. */
function isMissed(
  experiment: Extract<Experiment, { kind: 'adaptive' }>,
  arm: string,
  adaptive: AdaptiveState,
  tallies: Record<string, ArmTally>,
): boolean {
  const shown = resultsOf(experiment, tallies, { adaptive }).arms.find((one) => one.arm === arm)?.metrics[experiment.reward];
  return Boolean(shown && (truth[arm]! < (shown.low ?? -Infinity) || truth[arm]! > (shown.high ?? Infinity)));
}

function estimateOf(arm: string, { estimates }: AdaptiveState, tally: ArmTally): Omit<RunResult['estimates'][number], 'missed'> {
  const { jobs, sum, squares } = estimates[arm]!;
  const mean = sum / jobs;
  const half = Z_95 * Math.sqrt((squares / jobs - mean ** 2) / jobs);
  const error = mean - truth[arm]!;
  return {
    error,
    covers: Math.abs(error) <= half,
    plainError: tally.jobs === 0 ? null : tally.acceptedJobs / tally.jobs - truth[arm]!,
  };
}

function zOfMean(values: number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return mean / Math.sqrt(variance / values.length);
}

function adaptive(name: string): Extract<Experiment, { kind: 'adaptive' }> {
  const parsed = parseExperiment({ kind: 'adaptive', name, arms: arms.map((arm) => ({ name: arm })), floor: 0.1 });
  if ('errors' in parsed || parsed.experiment.kind !== 'adaptive') throw new Error(JSON.stringify(parsed));
  return parsed.experiment;
}
