import type { Attempt, JobState, ModelConfig, TrailEntry, UpshiftConfig } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';

import { costOf, usdToNanoUsd } from './cost.ts';
import type { Decision } from './decide/draft.ts';
import { finalAttemptOf, isForAnswer, liveAttempts } from './live-attempts.ts';
import { wantsVectors } from './who-may-answer.ts';

/** What a job adds to the counters of its route, by name: money in nano-dollars, known costs only. */
export type SavingsCounter = [name: string, amount: number];

/**
 * What a decision changes of the savings of a route. What is paid counts when it is paid; what the job would have cost otherwise counts at
 * its end, and is taken back when a late verdict reopens it, which may end it anew at once.
 *
 * @param before the job as it was
 */
export function savingsCounters(
  before: JobState,
  { job, trail }: Pick<Decision, 'job' | 'trail'>,
  config: UpshiftConfig,
): SavingsCounter[] {
  const paid = trail.flatMap((entry) => paidBy(job, entry));
  if (job.experiments?.shadowOf) return paid;
  const endedNow = isTerminal(job.status) && trail.some(({ event }) => event === `job-${job.status}`);
  const reopened = trail.some(({ event }) => event === 'job-reopened');
  const first = trail.flatMap((entry) => firstVerdict(before, job, entry));
  return [...paid, ...first, ...(reopened ? atEnd(before, config, -1) : []), ...(endedNow ? atEnd(job, config, 1) : [])];
}

function paidBy({ experiments }: JobState, entry: TrailEntry): SavingsCounter[] {
  const { event, cost_usd: costUsd } = entry;
  if ((event !== 'attempt-settled' && event !== 'attempt-failed') || !costUsd) return [];
  const cost = usdToNanoUsd(costUsd);
  if (experiments?.shadowOf) return [['audits', cost]];
  const scoring: SavingsCounter[] = isForAnswer(entry) ? [] : [['scoring', cost]];
  return [['cost', cost], ...scoring];
}

/** How often a model passes where it is asked first: of later answers it has only the hard ones. What a late verdict fails has not passed. */
function firstVerdict(before: JobState, job: JobState, { event, attempt: number }: TrailEntry): SavingsCounter[] {
  const first = liveAttempts(job).find((attempt) => isForAnswer(attempt) && attempt.outcome === 'answered');
  if (!first || first.number !== number) return [];
  if (event === 'job-reopened') return isAccepted(before, first) ? [[`passed:${first.model}`, -1]] : [];
  if (event !== 'answer-judged') return [];
  return [
    [`first:${first.model}`, 1],
    [`passed:${first.model}`, isAccepted(job, first) ? 1 : 0],
  ];
}

/** Whether an answer has become the job's result, or will be when a canary has passed, because it was good enough. */
function isAccepted(job: JobState, { number }: Attempt): boolean {
  const { finalAttempt, degraded } = job.experiments?.held ?? job;
  return finalAttempt === number && !degraded;
}

function atEnd(job: JobState, config: UpshiftConfig, sign: 1 | -1): SavingsCounter[] {
  const answered = finalAttemptOf(job);
  if (answered === null) return [['jobs', sign]];
  const good = !job.degraded && answered.outcome === 'answered';
  return [
    ['jobs', sign],
    ['good', good ? sign : 0],
    ['perfect', sign * (answered.costNanoUsd ?? 0)],
    ...alone(job, answered, config).map(([name, amount]): SavingsCounter => [name, sign * amount]),
  ];
}

/** Begins the counter of answers; the models follow, of which it is known what they would have taken. */
export const ANSWERS = 'answers:';

/** What each model would have taken for the answer, where that is known: its tokens at that model's price. Vectors would have cost the same. */
function alone({ needs, completedAt }: JobState, { usage, costNanoUsd }: Attempt, config: UpshiftConfig): SavingsCounter[] {
  const isVector = wantsVectors(needs);
  if ((isVector ? costNanoUsd : usage) === null) return [];
  // At the prices of the end also where that is taken back later: as much as was counted.
  const costWith = (model: ModelConfig): number | null => (isVector ? costNanoUsd : costOf(usage, model, completedAt!));
  const known = rivalsOf(config).flatMap(({ id, counter, model }) => {
    const cost = costWith(model);
    return cost === null ? [] : [{ id, counter, cost }];
  });
  return [
    [ANSWERS + known.map(({ id }) => id).join(' '), 1],
    ...known.map(({ counter, cost }): SavingsCounter => [counter, cost]),
  ];
}

interface Rival {
  id: string;
  counter: string;
  model: ModelConfig;
}

/** Of each configuration, since every job's end asks: the models that answer prompts, and their counters. */
const rivals = new WeakMap<UpshiftConfig, Rival[]>();

function rivalsOf(config: UpshiftConfig): Rival[] {
  const known = rivals.get(config);
  if (known) return known;
  const found = Object.entries(config.models)
    .filter(([, { capabilities }]) => !capabilities.includes('embedding'))
    .map(([id, model]) => ({ id, counter: `alone:${id}`, model }));
  rivals.set(config, found);
  return found;
}
