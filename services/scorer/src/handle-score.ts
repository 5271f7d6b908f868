import { promptOf } from '@upshift/contracts';
import type { Attempt, Check, CheckOutcome } from '@upshift/contracts';
import { configOf, done, readAnswer, seenField } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import {
  buyerOf,
  checksOf,
  makesLabels,
  priceOf,
  promptFactsOf,
  runPlainChecks,
  sampleCalls,
  samplesToAsk,
  scoresWithin,
  seenOf,
  subjectOf,
  verdictOf,
} from '@upshift/routing';
import type { Subject } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import { judge } from './judge.ts';
import { staysWith } from './stays-with.ts';
import { verify } from './verify.ts';

/** Runs the checks on an answer; where another answer or a judge is needed first, the step ends and comes back with it. */
export async function handleScore(context: StepContext<'score'>): Promise<Outcome> {
  const { pipeline, job, step, request, answer } = context;
  if (answer === null) return { kind: 'discard', reason: `the job has no answer of attempt ${step.attempt}` };
  const config = await configOf(pipeline, job.configVersion);
  const checks = checksOf(request, config, job.route);
  const profile = config.scorer.profile ?? null;
  const buyer = buyerOf(checks);
  const samples = sampleCalls(job, step.attempt, buyer);
  const subject = subjectOf(promptOf(request.input), answer, { profile, others: await otherAnswers(pipeline, job.id, samples) });
  // What is free goes before what is paid for.
  const plain = withPrice(runPlainChecks(checks, subject), checks.slice(0, buyer), samples);
  const verified = await verify(context, checks, plain);
  if (await waitsForSample(context, checks, subject, plain, verified)) return done;
  const judged = await judge(context, { config, checks, known: [...plain, ...verified] });
  if (judged === 'waiting') return done;
  const verdict = verdictOf([...plain, ...verified, ...judged]);
  annotate({ 'upshift.verdict.score': verdict.score, 'upshift.verdict.passed': verdict.passed });
  // The label that this makes wants to know what the classifier saw, which was not asked about every job.
  const isUnseen = job.classification === null && makesLabels(job, config);
  const seen = isUnseen ? seenField(config, seenOf(promptFactsOf(request))) : {};
  await context.advance({ type: 'judged', attempt: step.attempt, verdict }, seen);
  return done;
}

const isAgreement = ({ type }: { type: string }): boolean => type === 'agreement';

/** Agreement costs what the further answers cost, which only one check has bought. */
function withPrice(outcomes: CheckOutcome[], beforeBuyer: Check[], samples: Attempt[]): CheckOutcome[] {
  if (samples.length === 0) return outcomes;
  const bought = outcomes.filter(isAgreement)[beforeBuyer.filter(isAgreement).length];
  return outcomes.map((outcome) => (outcome === bought ? { ...outcome, cost_usd: priceOf(samples) } : outcome));
}

/** What other models have answered, to be compared with. */
async function otherAnswers(pipeline: Pipeline, job: string, samples: Attempt[]): Promise<string[]> {
  const given = samples.filter(({ outcome }) => outcome === 'answered');
  const answers = await Promise.all(given.map(({ number }) => readAnswer(pipeline, job, number)));
  return answers.flatMap((other) => (other === null ? [] : [other.text]));
}

/** Whether one more answer was asked for. `decide` asks only where that can change the verdict. */
async function waitsForSample(
  context: StepContext<'score'>,
  checks: Check[],
  subject: Subject,
  plain: CheckOutcome[],
  verified: CheckOutcome[],
): Promise<boolean> {
  const { attempt } = context.step;
  const wanted = samplesToAsk(checks, [...plain, ...verified], context.job, attempt);
  if (wanted === null) return false;
  const { index, check, most, missing } = wanted;
  const between = scoresWithin(checks, subject, missing, verified);
  return !(await staysWith(context, {
    type: 'sample-requested',
    attempt,
    check: index,
    most,
    models: check.models ?? null,
    between,
  }));
}
