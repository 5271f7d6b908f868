import type { JobStatus, UpshiftConfig } from '@upshift/contracts';
import { costOf, firstModelOf, nanoUsdToUsd, plainUsage } from '@upshift/routing';

import type { AnswerBook } from './answer-book.ts';
import { isRight } from './matchers.ts';
import type { Finished } from './run-workload.ts';

/** What a run came to. Shares are in [0, 1]; null where it can not be known (no gold answers, or no answer book). */
export interface Result {
  jobs: { total: number; completed: number; failed: number; cancelled: number; expired: number; degraded: number };
  escalations: number;
  failovers: number;
  fallbacks: number;
  cost_usd: number;
  cost_unknown_jobs: number;
  /** Null where the model has no price, or the tokens of an answer are not known. */
  cost_all_premium_usd: number | null;
  cost_all_economy_usd: number | null;
  right: number | null;
  right_all_premium: number | null;
  right_all_economy: number | null;
  /** Wrong answers that were accepted, and right ones that were escalated. */
  scorer: { accepted_wrong: number; escalated_right: number | null };
  tiers: TierResult[];
  seconds: number;
}

interface TierResult {
  tier: string;
  attempts: number;
  answered_jobs: number;
  right: number | null;
  accepted_wrong: number;
  cost_usd: number;
}

export function resultOf(finished: Finished[], config: UpshiftConfig, book: AnswerBook | null, seconds: number): Result {
  const count = (status: JobStatus): number => finished.filter(({ job }) => job.status === status).length;
  const sum = (of: (one: Finished) => number): number => finished.reduce((total, one) => total + of(one), 0);
  const first = (index: number): string => firstModelOf(config, config.tiers.at(index)?.name ?? '') ?? '';
  return {
    jobs: {
      total: finished.length,
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      expired: count('expired'),
      degraded: finished.filter(({ job }) => job.result?.degraded).length,
    },
    escalations: sum(({ job }) => job.escalations),
    failovers: sum(({ job }) => job.failovers),
    fallbacks: sum(({ job }) => job.fallbacks),
    cost_usd: round(sum(({ job }) => job.cost_usd)),
    cost_unknown_jobs: finished.filter(({ job }) => job.cost_unknown).length,
    cost_all_premium_usd: costOfAll(finished, first(-1), config, book),
    cost_all_economy_usd: costOfAll(finished, first(0), config, book),
    right: share(withGold(finished), wasRight),
    right_all_premium: book && share(withGold(finished), (one) => rightAlone(one, first(-1), book)),
    right_all_economy: book && share(withGold(finished), (one) => rightAlone(one, first(0), book)),
    scorer: {
      accepted_wrong: withGold(finished).filter(isAcceptedWrong).length,
      escalated_right: book && escalatedRight(finished, book),
    },
    tiers: [...config.tiers.map(({ name }) => name), 'fallback'].map((tier) => tierResult(tier, finished)),
    seconds: Math.round(seconds * 10) / 10,
  };
}

function tierResult(tier: string, finished: Finished[]): TierResult {
  const answered = finished.filter(({ job }) => job.result?.tier === tier);
  const settled = finished.flatMap(({ trail }) =>
    trail.filter((entry) => entry.tier === tier && (entry.event === 'attempt-settled' || entry.event === 'attempt-failed')),
  );
  return {
    tier,
    attempts: settled.length,
    answered_jobs: answered.length,
    right: share(withGold(answered), wasRight),
    accepted_wrong: withGold(answered).filter(isAcceptedWrong).length,
    cost_usd: round(settled.reduce((total, entry) => total + (entry.cost_usd ?? 0), 0)),
  };
}

function withGold(finished: Finished[]): Finished[] {
  return finished.filter(({ row }) => row.matcher !== undefined);
}

function wasRight({ row, job }: Finished): boolean {
  return row.matcher !== undefined && isRight(job.result, row.matcher, row.gold);
}

function isAcceptedWrong(one: Finished): boolean {
  return one.job.status === 'completed' && one.job.result?.degraded === false && !wasRight(one);
}

/** Answers that the scorer sent up although they were right, by the book. */
function escalatedRight(finished: Finished[], book: AnswerBook): number {
  const escalated = finished.flatMap(({ row, trail }) =>
    trail
      .filter((entry, index) => entry.event === 'answer-judged' && trail[index + 1]?.event === 'job-escalated')
      .map(({ model }) => ({ row, model: model ?? '' })),
  );
  return escalated.filter(({ row, model }) => book.answerOf(row, model)?.right).length;
}

/** What one model alone would have cost for all jobs; null where that of one is not known. */
function costOfAll(finished: Finished[], modelId: string, config: UpshiftConfig, book: AnswerBook | null): number | null {
  const costs = finished.map((one) => costAlone(one, modelId, config, book));
  return costs.includes(null) ? null : round(costs.reduce<number>((total, cost) => total + (cost ?? 0), 0));
}

/** What one model alone would have cost: its recorded answer, or where there is none the tokens that the job's answer took. */
function costAlone(one: Finished, modelId: string, config: UpshiftConfig, book: AnswerBook | null): number | null {
  const recorded = book?.answerOf(one.row, modelId);
  if (recorded) return inUsd(recorded.costNanoUsd);
  if (one.job.result?.vectors) return one.job.cost_usd;
  const given = one.trail.findLast(({ event }) => event === 'job-completed')?.attempt;
  const settled = one.trail.find(({ event, attempt }) => event === 'attempt-settled' && attempt === given);
  // No answer was given, or one that was there already.
  if (settled === undefined) return 0;
  const told = settled.usage ?? null;
  const usage = told && plainUsage(told.input_tokens, told.output_tokens);
  return inUsd(costOf(usage, config.models[modelId], Date.now()));
}

function inUsd(nanoUsd: number | null): number | null {
  return nanoUsd === null ? null : nanoUsdToUsd(nanoUsd);
}

/** Embeddings have one tier, so that one model alone would have answered as the job was answered. */
function rightAlone(one: Finished, modelId: string, book: AnswerBook): boolean {
  return one.job.result?.vectors ? wasRight(one) : (book.answerOf(one.row, modelId)?.right ?? false);
}

function share(finished: Finished[], test: (one: Finished) => boolean): number | null {
  return finished.length === 0 ? null : Math.round((finished.filter(test).length / finished.length) * 10_000) / 10_000;
}

function round(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}
