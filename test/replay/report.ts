import type { JobView, TrailEntry, UpshiftConfig } from '@upshift/contracts';
import { costOf, nanoUsdToUsd } from '@upshift/routing';

import { recordedModels } from './gsm8k.ts';
import type { Question } from './gsm8k.ts';

/** Right answers as a share in [0, 1], and what they cost in USD. */
export interface Score {
  right: number;
  cost_usd: number;
}

/** What a replay came to. */
export interface Report {
  questions: number;
  completed: number;
  upshift: Score;
  /** Each model alone for everything. */
  alone: Record<string, Score>;
  /** What it costs to be as right as Upshift by giving each question to one of two models by lot, in USD; null where no model is as right. */
  as_right_by_lot_usd: number | null;
  /** For each question the cheapest model that is right; the cheapest of all where none is. */
  perfect: Score;
  /** Wrong answers that the scorer let through, and right ones that it sent up needlessly. */
  scorer: { accepted_wrong: number; escalated_right: number };
  /** Questions by the tier of their answer. */
  answered: Record<string, number>;
  escalations: number;
  /** Answers that are not the recorded ones: 0, or the replay is not one. */
  not_recorded: number;
  /** With the start of the system. */
  seconds: number;
}

/** A question with what became of it. */
export interface Finished {
  question: Question;
  job: JobView;
  trail: TrailEntry[];
}

export function reportOf(jobs: Finished[], config: UpshiftConfig, seconds: number): Report {
  const questions = jobs.map(({ question }) => question);
  const rightBy = ({ question, job }: Finished): boolean => question.answers.get(job.result?.model ?? '')?.right ?? false;
  const costBy = (question: Question, model: string): number =>
    nanoUsdToUsd(costOf(question.answers.get(model)?.usage ?? null, config.models[model], Date.now()) ?? 0);
  const scoreOf = (chosen: (question: Question) => string): Score => ({
    right: share(questions.filter((question) => question.answers.get(chosen(question))?.right).length, questions.length),
    cost_usd: round(sum(questions.map((question) => costBy(question, chosen(question))))),
  });
  const escalated = jobs.flatMap(({ question, trail }) =>
    trail.flatMap(({ event, model = '' }, index) =>
      event === 'answer-judged' && trail[index + 1]?.event === 'job-escalated' ? [question.answers.get(model)?.right] : [],
    ),
  );
  const tiers = jobs.flatMap(({ job }) => (job.result ? [job.result.tier] : []));
  const alone = Object.fromEntries(recordedModels.map(({ id }) => [id, scoreOf(() => id)]));
  const right = share(jobs.filter(rightBy).length, jobs.length);
  return {
    questions: questions.length,
    completed: jobs.filter(({ job }) => job.status === 'completed').length,
    upshift: {
      right,
      cost_usd: round(sum(jobs.map(({ job }) => job.cost_usd))),
    },
    alone,
    as_right_by_lot_usd: costByLot(Object.values(alone), right),
    perfect: scoreOf(({ answers }) => (recordedModels.find(({ id }) => answers.get(id)?.right) ?? recordedModels[0]!).id),
    scorer: {
      accepted_wrong: jobs.filter((one) => one.job.result?.degraded === false && !rightBy(one)).length,
      escalated_right: escalated.filter(Boolean).length,
    },
    answered: Object.fromEntries(recordedModels.map(({ tier }) => [tier, tiers.filter((one) => one === tier).length])),
    escalations: sum(jobs.map(({ job }) => job.escalations)),
    not_recorded: jobs.filter(({ question, job }) => question.answers.get(job.result?.model ?? '')?.text !== job.result?.text)
      .length,
    seconds: Math.round(seconds * 10) / 10,
  };
}

/** The hull of the single models: the least cost of a mix of two that is as right. */
function costByLot(models: Score[], right: number): number | null {
  const costs = models.flatMap((better) =>
    models.flatMap((worse) => {
      if (better.right < right || worse.right > right) return [];
      const part = better.right === worse.right ? 0 : (right - worse.right) / (better.right - worse.right);
      return [worse.cost_usd + part * (better.cost_usd - worse.cost_usd)];
    }),
  );
  return costs.length === 0 ? null : round(Math.min(...costs));
}

function sum(amounts: number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000;
}

function round(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}
