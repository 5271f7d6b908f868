import type { ClassifierProfile } from '@upshift/contracts';

import { deviation } from './model.ts';
import type { ClassifierModel } from './model.ts';
import { signalNames } from './signals.ts';

/** Nothing is certain: log-odds stay within this. */
const FARTHEST_LOG_ODDS = 7;

/** What is fitted: log-odds as shipped, then the signals in standard deviations, after a 1 for the intercept. */
export function profileInputs(
  complexity: number,
  signals: number[],
  { mean, scale }: Pick<ClassifierModel, 'mean' | 'scale'>,
): number[] {
  const shipped = Math.log(complexity / (1 - complexity));
  const within = Math.max(-FARTHEST_LOG_ODDS, Math.min(FARTHEST_LOG_ODDS, shipped));
  return [1, within, ...signals.map((value, index) => deviation(value, mean[index] ?? 0, scale[index] ?? 0))];
}

/** The profile as weights of those inputs. */
export function profileWeights({ intercept, slope, features }: ClassifierProfile): number[] {
  return [intercept, slope, ...signalNames.map((name) => features[name] ?? 0)];
}

/** The inverse, rounded as it is written down. */
export function profileOfWeights([intercept = 0, slope = 1, ...features]: number[]): ClassifierProfile {
  const named = features.map((value, index) => [signalNames[index]!, rounded(value)] as const);
  return {
    intercept: rounded(intercept),
    slope: Math.max(0.001, rounded(slope)),
    features: Object.fromEntries(named.filter(([, value]) => value !== 0)),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
