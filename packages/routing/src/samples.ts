import type { Attempt, Check, CheckOutcome, JobState } from '@upshift/contracts';

import type { Subject } from './checks/subject.ts';
import { scoreOrFails } from './judging.ts';
import { gatesPass, judgeOutcome, judgesToAsk, runPlainChecks } from './score.ts';

type Agreement = Extract<Check, { type: 'agreement' }>;

/** Other answers that the check `agreement` compares, unless it says how many. */
const USUAL_SAMPLES = 1;

/** A check that wants more answers than there are. */
export interface WantedSamples {
  index: number;
  check: Agreement;
  most: number;
  /** Answers that can still come. */
  missing: number;
}

/** The calls that were made for further answers, to compare an attempt's with by one of its checks. */
export function sampleCalls(job: JobState, attempt: number, check: number): Attempt[] {
  return job.attempts.filter(
    ({ purpose, judges }) => purpose === 'sample' && judges?.attempt === attempt && judges.check === check,
  );
}

/** The place of the check that buys what all of its kind compare: the first of those that want most; -1 without any. */
export function buyerOf(checks: Check[]): number {
  const wanted = checks.map((check) => (check.type === 'agreement' ? (check.samples ?? USUAL_SAMPLES) : 0));
  const most = Math.max(0, ...wanted);
  return most === 0 ? -1 : wanted.indexOf(most);
}

/** The check that wants a further answer; null where none does, or a gate has failed already. */
export function samplesToAsk(checks: Check[], plain: CheckOutcome[], job: JobState, attempt: number): WantedSamples | null {
  const index = buyerOf(checks);
  const check = checks[index];
  if (check?.type !== 'agreement' || !gatesPass(plain.filter(({ type }) => type !== 'agreement'))) return null;
  const given = sampleCalls(job, attempt, index).filter(({ outcome }) => outcome === 'answered').length;
  const most = check.samples ?? USUAL_SAMPLES;
  return most > given ? { index, check, most, missing: most - given } : null;
}

/** The lowest and the highest score that an answer may get by the answers that can still come, and by judges; `FAILS` where a gate is shut. */
export function scoresWithin(
  checks: Check[],
  subject: Subject,
  missing: number,
  verified: CheckOutcome[] = [],
): [number, number] {
  const judges = judgesToAsk(checks, [], subject.answer);
  const imagined = (more: Subject['imagined'], score: number): number => {
    const judged = judges.map(({ check }) => judgeOutcome(check, { score, reason: 'imagined' }));
    return scoreOrFails([...runPlainChecks(checks, { ...subject, imagined: more }), ...verified, ...judged]);
  };
  return [imagined({ agreeing: 0, differing: missing }, 0), imagined({ agreeing: missing, differing: 0 }, 1)];
}
