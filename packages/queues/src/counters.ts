import type { JobState, UpshiftConfig } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import { costAlone, finalAttemptOf, savingsCounters, usdToNanoUsd } from '@upshift/routing';
import type { Decision } from '@upshift/routing';

/** Before the counters of savings: `saved:<route>:<name>`. */
export const SAVED = 'saved:';

/** Before those of the tiers that gave results. */
export const ANSWERED = 'answered:';

/**
 * What a decision adds to the counters of its minute: names and amounts. The transition script adds them in its own step.
 *
 * @param before the job as it was
 */
export function countersOf(before: JobState, decision: Decision, config: UpshiftConfig): [string, number][] {
  return countersOfJob(before, decision, config).filter(
    ([name, amount]) => amount !== 0 && (isListed(decision.job) || isMoney(name)),
  );
}

/** Nobody sent a shadow: of it only the money counts. */
function isListed({ experiments }: JobState): boolean {
  return !experiments?.shadowOf;
}

function isMoney(counter: string): boolean {
  return counter === 'cost' || counter.startsWith(SAVED);
}

function countersOfJob(before: JobState, { job, trail }: Decision, config: UpshiftConfig): [string, number][] {
  const calls = trail.filter(({ event }) => event === 'attempt-settled' || event === 'attempt-failed');
  const costs = calls.map(({ cost_usd: costUsd }): [string, number] => ['cost', usdToNanoUsd(costUsd ?? 0)]);
  const reopened = trail.some(({ event }) => event === 'job-reopened');
  const endedNow = trail.some(({ event }) => event === `job-${job.status}`) && isTerminal(job.status);
  const saved = savingsCounters(before, { job, trail }, config).map(([name, amount]): [string, number] => [
    savedName(job.route, name),
    amount,
  ]);
  return [
    ...costs,
    ...saved,
    ...(reopened ? endCounters(before, config, -1) : []),
    ...(endedNow ? endCounters(job, config, 1) : []),
  ];
}

/** Made once: a text that is put together anew must be hashed anew wherever it is looked up. */
const savedNames = new Map<string, Map<string, string>>();

function savedName(route: string, name: string): string {
  let ofRoute = savedNames.get(route);
  if (ofRoute === undefined) savedNames.set(route, (ofRoute = new Map()));
  let full = ofRoute.get(name);
  if (full === undefined) ofRoute.set(name, (full = `${SAVED}${route}:${name}`));
  return full;
}

function endCounters(job: JobState, config: UpshiftConfig, sign: 1 | -1): [string, number][] {
  const answered = finalAttemptOf(job);
  return [
    [`ended:${job.status}`, sign],
    // At the prices of the end also where that is taken back later: as much as was counted.
    ['alone', sign * (costAlone(job, config, job.completedAt!) ?? 0)],
    ...(answered === null ? [] : ([[`${ANSWERED}${answered.tier}`, sign]] satisfies [string, number][])),
  ];
}
