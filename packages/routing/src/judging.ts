import type { Attempt, CheckOutcome, JobState, UpshiftConfig } from '@upshift/contracts';

import { nanoUsdToUsd } from './cost.ts';
import { silentOutcome } from './checks/outcome.ts';
import { thresholdOf } from './decide/verdicts.ts';
import { judgeOutcome, verdictOf } from './score.ts';
import type { Judge } from './score.ts';

/** Stands for the score of an answer that fails a gate: below all others. */
export const FAILS = -1;

/** The lowest and the highest score that an answer may get by the judges that have not spoken. */
export function judgesWithin(known: CheckOutcome[], left: Judge[]): [number, number] {
  const imagined = (score: number): number => {
    const outcomes = left.map((check) => judgeOutcome(check, { score, reason: 'imagined' }));
    return scoreOrFails([...known, ...outcomes]);
  };
  return [imagined(0), imagined(1)];
}

/** The score that outcomes make together. */
export function scoreOrFails(outcomes: CheckOutcome[]): number {
  const verdict = verdictOf(outcomes);
  return verdict.passed ? verdict.score : FAILS;
}

/**
 * Whether it is still open what becomes of an answer, given the scores between which it will end. Where no score is asked of it, a judge's
 * opinion is what was asked for, and always worth its price.
 */
export function isOpen(
  job: JobState,
  config: UpshiftConfig,
  attempt: Attempt,
  [lowest, highest]: readonly [number, number],
): boolean {
  const threshold = thresholdOf(job, config, attempt);
  if (highest === FAILS) return false;
  return threshold === 'always' || (lowest < threshold && highest >= threshold);
}

/** Of a judge that was spared. */
export function sparedOutcome(check: Judge): CheckOutcome {
  return { ...silentOutcome(check, 'not asked: it can not change the verdict any more'), gate: false };
}

/** What calls cost together, in USD; null where some of it is unknown. */
export function priceOf(calls: Attempt[]): number | null {
  const costs = calls.map(({ costNanoUsd }) => costNanoUsd);
  return costs.includes(null) ? null : nanoUsdToUsd(costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0));
}
