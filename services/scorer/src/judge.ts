import type { Check, CheckOutcome, UpshiftConfig } from '@upshift/contracts';
import { readAnswer } from '@upshift/queues';
import type { StepContext } from '@upshift/queues';
import {
  answerComesFirst,
  isOpen,
  judgeCalls,
  judgeOutcome,
  judgesToAsk,
  judgesWithin,
  priceOf,
  readComparison,
  readJudgement,
  sampleCalls,
  sparedOutcome,
} from '@upshift/routing';
import type { Judge, Judgement } from '@upshift/routing';

import { staysWith } from './stays-with.ts';

interface Judged {
  config: UpshiftConfig;
  checks: Check[];
  /** What all other checks have said. */
  known: CheckOutcome[];
}

/** What judges say of an answer, one after the other; one that can not change what becomes of it is spared. */
export async function judge(
  context: StepContext<'score'>,
  { config, checks, known }: Judged,
): Promise<CheckOutcome[] | 'waiting'> {
  const { job, step, answer } = context;
  const judges = judgesToAsk(checks, known, answer!);
  const outcomes: CheckOutcome[] = [];
  for (const [at, { check, index }] of judges.entries()) {
    const left = judges.slice(at).map((one) => one.check);
    const spared = !isOpen(job, config, job.attempts[step.attempt - 1]!, judgesWithin([...known, ...outcomes], left));
    const outcome = spared && !wasAsked(context, index) ? sparedOutcome(check) : await outcomeOf(context, check, index);
    if (outcome === 'waiting') return 'waiting';
    outcomes.push(outcome);
  }
  return outcomes;
}

function wasAsked({ job, step }: StepContext<'score'>, index: number): boolean {
  return judgeCalls(job, step.attempt, index).length > 0;
}

async function outcomeOf(context: StepContext<'score'>, check: Judge, index: number): Promise<CheckOutcome | 'waiting'> {
  const { job, step } = context;
  const judgement = (await judgementOf(context, check, index)) ?? (await ask(context, check, index));
  if (judgement === 'waiting') return 'waiting';
  const calls = [...judgeCalls(job, step.attempt, index), ...sampleCalls(job, step.attempt, index)];
  return { ...judgeOutcome(check, judgement), ...(calls.length === 0 ? {} : { cost_usd: priceOf(calls) }) };
}

/** The opinion that a judge has given already, or null. */
async function judgementOf(
  { pipeline, job, step: { attempt } }: StepContext<'score'>,
  { against }: Judge,
  index: number,
): Promise<Judgement | null> {
  for (const call of judgeCalls(job, attempt, index)) {
    const reply = call.outcome === 'answered' ? await readAnswer(pipeline, job.id, call.number) : null;
    const text = reply?.text ?? '';
    const judgement = against ? readComparison(text, answerComesFirst(job, attempt, index)) : readJudgement(text);
    if (judgement) return judgement;
  }
  return null;
}

/** Asks a judge; where it is to compare, for another answer first. */
async function ask(context: StepContext<'score'>, { against }: Judge, check: number): Promise<Judgement | 'waiting'> {
  const { job, step } = context;
  const { attempt } = step;
  const hasOther = sampleCalls(job, attempt, check).some(({ outcome }) => outcome === 'answered');
  if (against && !hasOther) {
    const wanted = { type: 'sample-requested' as const, attempt, check, most: 1, models: against, between: null };
    return (await staysWith(context, wanted)) ? { unavailable: 'there is no other answer to compare it with' } : 'waiting';
  }
  const stays = await staysWith(context, { type: 'judge-requested', attempt, check });
  return stays ? { unavailable: 'no judge could be asked' } : 'waiting';
}
