import type { Check, CheckOutcome } from '@upshift/contracts';

import { outcomeOf, silentOutcome } from './outcome.ts';
import type { Subject } from './subject.ts';
import { opinionOf } from './trained.ts';

/** A check that estimates how likely an answer is right, where others find out whether it is as wanted. */
export type Estimate = Extract<Check, { type: 'trained' | 'agreement' }>;

export function runEstimate(check: Estimate, subject: Subject): CheckOutcome {
  return check.type === 'trained' ? trained(check, subject) : agreement(check, subject);
}

function trained(check: Estimate, subject: Subject): CheckOutcome {
  const { probability } = opinionOf(subject);
  if (probability === null) return silentOutcome(check, 'no answer of a kind that the scorer has learnt of');
  const score = Math.round(probability * 1000) / 1000;
  return outcomeOf(check, score, score >= 0.5, `like answers of which ${Math.round(score * 100)} % were right`);
}

/** Where the trained scorer has an opinion, it has taken the others into account; what they say counts once. */
function agreement(check: Estimate, subject: Subject): CheckOutcome {
  const { probability, agreeing, differing } = opinionOf(subject);
  const all = agreeing + differing;
  if (all === 0) return silentOutcome(check, 'no other answer was asked for');
  const reason = `${agreeing} of ${all} other answers ${all === 1 ? 'comes' : 'come'} to the same`;
  const outcome = outcomeOf(check, agreeing / all, agreeing * 2 > all, reason);
  return probability === null ? outcome : { ...outcome, weight: 0 };
}
