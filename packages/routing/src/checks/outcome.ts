import type { Check, CheckOutcome } from '@upshift/contracts';

/** Checks that look for something wrong in an answer. */
export const signs = [
  'arithmetic',
  'extractable',
  'finished',
  'unhedged',
  'consistent',
  'language',
  'asked_format',
  'grounded',
] as const;

/** What only makes an answer better or worse; every other check is a gate unless told otherwise. */
const graded: Check['type'][] = ['length', ...signs, 'llm_judge', 'trained', 'agreement'];

/** The longest reason that is kept, in characters. */
const REASON_CHARACTERS = 2000;

export function outcomeOf(check: Check, score: number, passed: boolean, reason: string): CheckOutcome {
  const gate = check.gate ?? !graded.includes(check.type);
  return { type: check.type, gate, passed, score, weight: check.weight ?? 1, reason: reason.slice(0, REASON_CHARACTERS) };
}

/** Of a check that can say nothing: it has no weight, but where it is a gate the gate stays shut. */
export function silentOutcome(check: Check, reason: string): CheckOutcome {
  return { ...outcomeOf(check, 0, false, reason), weight: 0 };
}
