import { promptOf } from '@upshift/contracts';
import type { Check, CheckOutcome } from '@upshift/contracts';
import { readOutside, readVerified, verifiedField } from '@upshift/queues';
import type { Pipeline, StepContext } from '@upshift/queues';
import { readVerification, verifierBody, verifierOutcome, verifiersToAsk } from '@upshift/routing';
import type { Verification } from '@upshift/routing';
import { postOutside } from '@upshift/runtime';

type Verifier = Extract<Check, { type: 'verifier' }>;

/** Longest that a verifier may take unless its check says otherwise, in s. */
const USUAL_TIMEOUT_S = 10;
/** Longest answer of a verifier, in bytes: a small JSON object. */
const MOST_BYTES = 10_000;

/** What the user's verifiers say of an answer. Each is asked once: what it said is kept with the job, since the step may come back. */
export async function verify(
  pipeline: Pipeline,
  context: StepContext<'score'>,
  checks: Check[],
  known: CheckOutcome[],
): Promise<CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const { check, index } of verifiersToAsk(checks, known)) outcomes.push(await outcomeOf(pipeline, context, check, index));
  return outcomes;
}

async function outcomeOf(
  pipeline: Pipeline,
  context: StepContext<'score'>,
  check: Verifier,
  index: number,
): Promise<CheckOutcome> {
  const { job, step, advance } = context;
  const said = await readVerified(pipeline, job.id, step.attempt, index);
  if (said !== null) return said;
  const outcome = verifierOutcome(check, await ask(pipeline, context, check));
  const fields = { [verifiedField(step.attempt, index)]: JSON.stringify(outcome) };
  await advance({ type: 'answer-verified', attempt: step.attempt, outcome }, fields);
  return outcome;
}

async function ask(
  pipeline: Pipeline,
  { job, step: { attempt }, request, answer }: StepContext<'score'>,
  { webhook, timeout_s: timeoutS = USUAL_TIMEOUT_S }: Verifier,
): Promise<Verification> {
  const outside = await readOutside(pipeline, webhook);
  if ('refused' in outside) return { unavailable: outside.refused };
  const { id, body } = verifierBody(job, { attempt, prompt: promptOf(request.input), answer: answer!.text }, Date.now());
  const {
    status,
    body: reply,
    error,
  } = await postOutside(outside, id, body, { timeoutMs: timeoutS * 1000, mostBytes: MOST_BYTES });
  return error === null ? readVerification(status, reply) : { unavailable: error };
}
