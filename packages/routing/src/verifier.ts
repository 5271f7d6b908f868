import type { Check, CheckOutcome, JobState } from '@upshift/contracts';
import { verificationReply } from '@upshift/contracts';

import { parseJsonAnswer } from './checks/parse-json.ts';
import { outcomeOf, silentOutcome } from './checks/outcome.ts';
import { gatesPass } from './score.ts';

type Verifier = Extract<Check, { type: 'verifier' }>;

/** What a user's verifier said of an answer: a verdict, that one will come, or why it said nothing. */
export type Verification = { passed: boolean; score: number; reason: string } | { later: true } | { unavailable: string };

/** The verifiers to ask, by their place among the checks; none where a gate has failed already. */
export function verifiersToAsk(checks: Check[], known: CheckOutcome[]): { check: Verifier; index: number }[] {
  if (!gatesPass(known)) return [];
  return checks.flatMap((check, index) => (check.type === 'verifier' ? [{ check, index }] : []));
}

/** The body that asks a verifier: the answer with its prompt, and whose it is. The revision is what a late verdict must name. */
export function verifierBody(
  job: JobState,
  subject: { attempt: number; prompt: string; answer: string },
  now: number,
): { id: string; body: string } {
  const { attempt, prompt, answer } = subject;
  const { tier, model } = job.attempts[attempt - 1]!;
  const data = { job: job.id, revision: job.revision, route: job.route, task: job.task, attempt, tier, model, prompt, answer };
  return {
    id: `msg_${job.id}_${job.revision}_verify_${attempt}`,
    body: JSON.stringify({ type: 'answer.verify', timestamp: new Date(now).toISOString(), data }),
  };
}

/** 202 says that the verdict comes later. */
const LATER = 202;

/** What a verifier's reply says; anything but a verdict in the agreed form is no verdict. */
export function readVerification(status: number | null, text: string): Verification {
  if (status === LATER) return { later: true };
  const parsed = verificationReply.safeParse(parseJsonAnswer(text));
  if (!parsed.success) return { unavailable: 'what it answered can not be read' };
  const { passed, score, reason } = parsed.data;
  return { passed, score: score ?? (passed ? 1 : 0), reason: reason ?? 'no reason given' };
}

/**
 * A verifier is a gate unless told otherwise, but only when it speaks: one that is away shuts no gate, because that would send every job to the
 * dearest tier. With `gate: true` it does.
 */
export function verifierOutcome(check: Verifier, verification: Verification): CheckOutcome {
  if ('later' in verification) return { ...outcomeOf(check, 1, true, 'the verdict comes later'), weight: 0 };
  if ('unavailable' in verification)
    return { ...silentOutcome(check, `not verified: ${verification.unavailable}`), gate: check.gate === true };
  return outcomeOf(check, verification.score, verification.passed, verification.reason);
}
