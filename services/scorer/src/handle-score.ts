import type { Check, CheckOutcome, JobState } from '@upshift/contracts';
import { advance, configOf, done, readAnswer, readRequest } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { checksOf, judgeCalls, judgeOutcome, judgesToAsk, readJudgement, runPlainChecks, verdictOf } from '@upshift/routing';
import type { Judgement } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

/** Runs the checks on an answer; where a judge is needed first, the step ends and comes back with the judge's answer. */
export async function handleScore(pipeline: Pipeline, { job, step }: StepContext<'score'>): Promise<Outcome> {
  const [request, answer, config] = await Promise.all([
    readRequest(pipeline, job.id),
    readAnswer(pipeline, job.id, step.attempt),
    configOf(pipeline, job.configVersion),
  ]);
  if (request === null || answer === null) return { kind: 'discard', reason: `the job has no answer of attempt ${step.attempt}` };
  const checks = checksOf(request, config.routes[job.route]!);
  const plain = runPlainChecks(checks, answer);
  const judged = await judge(pipeline, job, step.attempt, judgesToAsk(checks, plain));
  if (judged === 'waiting') return done;
  const verdict = verdictOf([...plain, ...judged]);
  annotate({ 'upshift.verdict.score': verdict.score, 'upshift.verdict.passed': verdict.passed });
  await advance(pipeline, job.id, { type: 'judged', attempt: step.attempt, verdict });
  return done;
}

type JudgeCheck = Extract<Check, { type: 'llm_judge' }>;

async function judge(
  pipeline: Pipeline,
  job: JobState,
  attempt: number,
  judges: { check: JudgeCheck; index: number }[],
): Promise<CheckOutcome[] | 'waiting'> {
  const outcomes: CheckOutcome[] = [];
  for (const { check, index } of judges) {
    const judgement = (await judgementOf(pipeline, job, attempt, index)) ?? (await ask(pipeline, job, attempt, index));
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

async function ask(pipeline: Pipeline, job: JobState, attempt: number, check: number): Promise<Judgement | 'waiting'> {
  const advanced = await advance(pipeline, job.id, { type: 'judge-requested', attempt, check });
  const stillHere = advanced?.job.step?.kind === 'score' && advanced.job.step.attempt === attempt;
  return stillHere ? { unavailable: 'no judge could be asked' } : 'waiting';
}
