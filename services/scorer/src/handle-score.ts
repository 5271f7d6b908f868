import { promptOf } from '@upshift/contracts';
import type { Check, CheckOutcome, JobEvent, JobState } from '@upshift/contracts';
import { configOf, done, keepLabel, readAnswer } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import {
  checksOf,
  gateLabelOf,
  judgeCalls,
  judgeOutcome,
  judgesToAsk,
  readJudgement,
  runPlainChecks,
  sampleCalls,
  samplesToAsk,
  scoresWithin,
  subjectOf,
  verdictOf,
} from '@upshift/routing';
import type { Judgement, Subject } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

/** Runs the checks on an answer; where another answer or a judge is needed first, the step ends and comes back with it. */
export async function handleScore(pipeline: Pipeline, context: StepContext<'score'>): Promise<Outcome> {
  const { job, step, request, answer } = context;
  if (answer === null) return { kind: 'discard', reason: `the job has no answer of attempt ${step.attempt}` };
  const config = await configOf(pipeline, job.configVersion);
  const checks = checksOf(request, config, job.route);
  const profile = config.scorer.profile ?? null;
  const subject = subjectOf(promptOf(request.input), answer, { profile, others: await otherAnswers(pipeline, context, checks) });
  const plain = runPlainChecks(checks, subject);
  if (await waitsForSample(context, checks, subject, plain)) return done;
  const judged = await judge(pipeline, context, judgesToAsk(checks, plain));
  if (judged === 'waiting') return done;
  const verdict = verdictOf([...plain, ...judged]);
  annotate({ 'upshift.verdict.score': verdict.score, 'upshift.verdict.passed': verdict.passed });
  const advanced = await context.advance({ type: 'judged', attempt: step.attempt, verdict });
  if (advanced?.changed)
    await keepLabel(pipeline, gateLabelOf({ job: advanced.job, request, config, attempt: step.attempt }, Date.now()));
  return done;
}

/** What other models have answered, to be compared with. */
async function otherAnswers(pipeline: Pipeline, { job, step }: StepContext<'score'>, checks: Check[]): Promise<string[]> {
  const calls = checks.flatMap((_check, index) => sampleCalls(job, step.attempt, index));
  const given = calls.filter(({ outcome }) => outcome === 'answered');
  const answers = await Promise.all(given.map(({ number }) => readAnswer(pipeline, job.id, number)));
  return answers.flatMap((other) => (other === null ? [] : [other.text]));
}

/** Whether one more answer was asked for. `decide` asks only where that can change the verdict. */
async function waitsForSample(
  context: StepContext<'score'>,
  checks: Check[],
  subject: Subject,
  plain: CheckOutcome[],
): Promise<boolean> {
  const { attempt } = context.step;
  const wanted = samplesToAsk(checks, plain, context.job, attempt);
  if (wanted === null) return false;
  const { index, check, most, missing } = wanted;
  const between = scoresWithin(checks, subject, missing);
  return !(await staysWith(context, {
    type: 'sample-requested',
    attempt,
    check: index,
    most,
    models: check.models ?? null,
    between,
  }));
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

async function ask(context: StepContext<'score'>, check: number): Promise<Judgement | 'waiting'> {
  const stays = await staysWith(context, { type: 'judge-requested', attempt: context.step.attempt, check });
  return stays ? { unavailable: 'no judge could be asked' } : 'waiting';
}

/** Whether the job is still at this step after the event, so that nobody was asked. */
async function staysWith({ step: { attempt }, advance }: StepContext<'score'>, event: JobEvent): Promise<boolean> {
  const advanced = await advance(event);
  return advanced?.job.step?.kind === 'score' && advanced.job.step.attempt === attempt;
}
