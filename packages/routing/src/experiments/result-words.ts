import type { ArmComparison, EstimateView, Experiment } from '@upshift/contracts';

import type { ArmTally } from './arm-tally.ts';
import { meanInterval } from './confidence-sequence.ts';

/** Whom the judge of a shadow preferred: numbers of jobs. */
export interface Preferences {
  candidate: number;
  delivered: number;
  same: number;
}

/** Shares of fallbacks that differ by more make the rest hard to compare. */
const FALLBACKS_DIFFER = 0.02;

/** @param missing how many more jobs would prove it; null where very many would */
export function differenceWords(
  [arm, first, metric]: [arm: string, first: string, metric: string],
  { value, low, high }: EstimateView,
  verdict: ArmComparison['verdict'],
  missing: number | null,
): string {
  const seen = `${arm} minus ${first} is ${signed(value)} in ${metric}, between ${signed(low)} and ${signed(high)}`;
  if (verdict !== 'not proven') return `${seen}: ${arm} is ${verdict}`;
  if (missing === null)
    return `${seen}: no difference is proven, and what is seen is too small to be proven by any likely number of jobs`;
  return `${seen}: no difference is proven; if it stays as it is, about ${missing} more jobs will prove it`;
}

/** The first metric decides; with several arms and metrics some difference will be found by chance, and the words say so. */
export function conclusions(experiment: Experiment, comparisons: ArmComparison[]): string[] {
  const { metrics, alpha } = experiment;
  if (comparisons.length === 0) return ['Nothing can be concluded: two arms need judged jobs first.'];
  const decisive = comparisons.filter(({ metric }) => metric === metrics[0]).map(({ words }) => words);
  const others = comparisons
    .filter(({ metric, verdict }) => metric !== metrics[0] && verdict !== 'not proven')
    .map(({ words }) => words);
  const note = `Each interval holds at all times with ${round((1 - alpha) * 100)} %; ${metrics[0]} decides, the other metrics are looked at besides.`;
  return [...decisive, ...others, note, ...changingShares(experiment)];
}

/** Plain means of arms whose shares change are means over different times. */
function changingShares(experiment: Experiment): string[] {
  if (experiment.kind === 'canary')
    return [
      'The shares change with the steps, so that these means are of different times; the guardrails compare what came together.',
    ];
  if (experiment.kind === 'adaptive')
    return [
      `${experiment.reward} is weighted by how probable each arm was, which makes up for shares that change; the other metrics are plain means.`,
    ];
  return [];
}

export function fallbackWords(arms: { name: string; tally: ArmTally }[]): string[] {
  const shares = arms
    .filter(({ tally }) => tally.jobs > 0)
    .map(({ name, tally }) => ({ name, share: tally.fallbackJobs / tally.jobs }));
  const met = shares.filter(({ share }) => share > 0);
  if (met.length === 0) return [];
  const counted = `Jobs that met a fallback are counted apart: ${met.map(({ name, share }) => `${round(share * 100)} % of ${name}`).join(', ')}.`;
  const spread = Math.max(...shares.map(({ share }) => share)) - Math.min(...shares.map(({ share }) => share));
  return spread > FALLBACKS_DIFFER
    ? [`${counted} The arms differ in that, so that the rest compares easier jobs with harder ones.`]
    : [counted];
}

/** What the judge of a shadow has shown, of the answers that it told apart. */
export function preferenceWords(preferences: Preferences | null, alpha: number): string[] {
  if (preferences === null) return [];
  const { candidate, delivered, same } = preferences;
  const count = candidate + delivered;
  const { low, high } = meanInterval({ count, sum: candidate, squares: candidate }, alpha);
  const said = `The judge, blind, found the candidate better ${candidate} times, what was delivered ${delivered} times, neither ${same} times`;
  if (low > 0.5) return [`${said}: the candidate is preferred.`];
  if (high < 0.5) return [`${said}: what was delivered is preferred.`];
  return [`${said}: neither is proven to be preferred.`];
}

function signed(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return 'unknown';
  return `${value > 0 ? '+' : ''}${round(value)}`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
