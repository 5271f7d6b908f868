import type { Check, CheckOutcome, JobState } from '@upshift/contracts';
import { configOf, done, readAnswer } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { checksOf, judgeCalls, judgeOutcome, judgesToAsk, readJudgement, runPlainChecks, verdictOf } from '@upshift/routing';
import type { Judgement } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

/** Runs the checks on an answer; where a judge is needed first, the step ends and comes back with the judge's answer. */
export async function handleScore(pipeline: Pipeline, context: StepContext<'score'>): Promise<Outcome> {
  const { job, step, request, answer } = context;
  if (answer === null) return { kind: 'discard', reason: `the job has no answer of attempt ${step.attempt}` };
  const config = await configOf(pipeline, job.configVersion);
  const checks = checksOf(request, config.routes[job.route]!);
  const plain = runPlainChecks(checks, answer);
  const judged = await judge(pipeline, context, judgesToAsk(checks, plain));
  if (judged === 'waiting') return done;
  const verdict = verdictOf([...plain, ...judged]);
  annotate({ 'upshift.verdict.score': verdict.score, 'upshift.verdict.passed': verdict.passed });
  await context.advance({ type: 'judged', attempt: step.attempt, verdict });
  return done;
}

type JudgeCheck = Extract<Check, { type: 'llm_judge' }>;

async function judge(
  pipeline: Pipeline,
  context: StepContext<'score'>,
  judges: { check: JudgeCheck; index: number }[],
): Promise<CheckOutcome[] | 'waiting'> {
  const outcomes: CheckOutcome[] = [];
  for (const { check, index } of judges) {
    const judgement = (await judgementOf(pipeline, context.job, context.step.attempt, index)) ?? (await ask(context, index));
    if (judgement === 'waiting') return 'waiting';
    outcomes.push(judgeOutcome(check, judgement));
  }
  return outcomes;
}

/** The opinion that a judge has given already, or null. */
async function judgementOf(pipeline: Pipeline, job: JobState, attempt: number, check: number): Promise<Judgement | null> {
  for (const call of judgeCalls(job, attempt, check)) {
    const reply = call.outcome === 'answered' ? await readAnswer(pipeline, job.id, call.number) : null;
    const judgement = reply ? readJudgement(reply.text) : null;
    if (judgement) return judgement;
  }
  return null;
}

async function ask({ step: { attempt }, advance }: StepContext<'score'>, check: number): Promise<Judgement | 'waiting'> {
  const advanced = await advance({ type: 'judge-requested', attempt, check });
  const stillHere = advanced?.job.step?.kind === 'score' && advanced.job.step.attempt === attempt;
  return stillHere ? { unavailable: 'no judge could be asked' } : 'waiting';
}
