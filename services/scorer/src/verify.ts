import { promptOf } from '@upshift/contracts';
import type { Check, CheckOutcome } from '@upshift/contracts';
import { readOutside, readVerified, verifiedField } from '@upshift/queues';
import type { StepContext } from '@upshift/queues';
import { readVerification, verifierBody, verifierOutcome, verifiersToAsk } from '@upshift/routing';
import type { Verification } from '@upshift/routing';
import { postOutside } from '@upshift/runtime';

type Verifier = Extract<Check, { type: 'verifier' }>;

/** Longest that a verifier may take unless its check says otherwise, in s. */
const USUAL_TIMEOUT_S = 10;
/** Longest answer of a verifier, in bytes: a small JSON object. */
const MOST_BYTES = 10_000;

/** What the user's verifiers say of an answer. Each is asked once: what it said is kept with the job, since the step may come back. */
export async function verify(context: StepContext<'score'>, checks: Check[], known: CheckOutcome[]): Promise<CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const { check, index } of verifiersToAsk(checks, known)) outcomes.push(await outcomeOf(context, check, index));
  return outcomes;
}

async function outcomeOf(context: StepContext<'score'>, check: Verifier, index: number): Promise<CheckOutcome> {
  const { pipeline, job, step, advance } = context;
  const said = await readVerified(pipeline, job.id, step.attempt, index);
  if (said !== null) return said;
  const outcome = verifierOutcome(check, await ask(context, check));
  const fields = { [verifiedField(step.attempt, index)]: JSON.stringify(outcome) };
  await advance({ type: 'answer-verified', attempt: step.attempt, outcome }, fields);
  return outcome;
}

async function ask(
  { pipeline, job, step: { attempt }, request, answer }: StepContext<'score'>,
  { webhook, timeout_s: timeoutS = USUAL_TIMEOUT_S }: Verifier,
): Promise<Verification> {
  const outside = await readOutside(pipeline, webhook);
  if ('refused' in outside) return { unavailable: outside.refused };
  const { id, body } = verifierBody(job, { attempt, prompt: promptOf(request.input), answer: answer!.text }, Date.now());
  const reply = await postOutside(outside, id, body, { timeoutMs: timeoutS * 1000, mostBytes: MOST_BYTES });
  return reply.error === null ? readVerification(reply.status, reply.body) : { unavailable: reply.error };
}
