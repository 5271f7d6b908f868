import { parseExperiment } from '@upshift/contracts';
import type { ExperimentOf } from '@upshift/contracts';
import { addObservation, canaryShare, emptyArmTally, evaluate, newCanary } from '@upshift/routing';

import { outcome } from './outcome.ts';
import { randomOf } from './random.ts';

export interface CanaryScenario {
  stable: number;
  canary: number;
  /** How much worse the guardrail allows the canary to be. */
  margin: number;
  /** Samples of the canary after which it is promoted, where nothing was found. */
  horizon: number;
}

export interface CanaryRuns {
  runs: number;
  rolledBack: number;
  /** Samples of the canary at the rollback; infinite where it was promoted. Sorted. */
  samples: number[];
}

/** The stable arm gets ten jobs for each of the canary's. */
const STABLE_TO_CANARY = 10;
const ALPHA = 0.05;

/** Runs canaries through the product's own evaluator, which is asked after every single outcome. */
export function runCanaries(scenario: CanaryScenario, runs: number, told: (done: number, of: number) => void): CanaryRuns {
  const samples: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    samples.push(runCanary(scenario, randomOf(run * 7919 + 1)));
    told(run + 1, runs);
  }
  samples.sort((one, other) => one - other);
  return { runs, rolledBack: samples.filter(Number.isFinite).length, samples };
}

function runCanary(scenario: CanaryScenario, random: () => number): number {
  const experiment = experimentOf(scenario);
  const tallies = { stable: emptyArmTally(1), canary: emptyArmTally(1) };
  let state = newCanary(experiment, 0);
  while (state.status === 'running') {
    const arm = random() < canaryShare(experiment, state) ? 'canary' : 'stable';
    tallies[arm] = addObservation(tallies[arm], experiment, outcome(random() < scenario[arm]), 1);
    ({ state } = evaluate(experiment, state, tallies, 0));
  }
  return state.status === 'rolled_back' ? tallies.canary.jobs : Infinity;
}

function experimentOf({ margin, horizon }: CanaryScenario): ExperimentOf<'canary'> {
  const parsed = parseExperiment({
    kind: 'canary',
    name: 'simulated',
    arms: [{ name: 'stable' }, { name: 'canary' }],
    guardrails: [{ metric: 'pass_rate', absolute: margin }],
    steps: [100 / (STABLE_TO_CANARY + 1), 100],
    min_samples: horizon,
    min_seconds: 0,
    alpha: ALPHA,
  });
  if ('errors' in parsed || parsed.experiment.kind !== 'canary') throw new Error(JSON.stringify(parsed));
  return parsed.experiment;
}

/** z of a one-sided 5 %, and of a power of 80 %. */
const Z_ALPHA = 1.644_854;
const Z_POWER = 0.841_621;

/** Samples of the canary that a test of fixed size needs: one-sided, two proportions, stable ten times as many. */
export function fixedSampleSize({ stable, canary, margin }: CanaryScenario): number {
  const ratio = STABLE_TO_CANARY;
  const variance = (share: number): number => share * (1 - share);
  const pooled = (canary + margin + ratio * stable) / (1 + ratio);
  const underNull = variance(pooled - margin) + variance(pooled) / ratio;
  const underDrop = variance(canary) + variance(stable) / ratio;
  const root = Z_ALPHA * Math.sqrt(underNull) + Z_POWER * Math.sqrt(underDrop);
  return Math.ceil(root ** 2 / (stable - margin - canary) ** 2);
}
