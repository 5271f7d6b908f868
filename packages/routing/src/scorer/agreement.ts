import type { AnswerFacts } from './features.ts';

/**
 * What speaks for a final answer, in log-odds against none of those given being right: of each answer that comes to it `answer`, and
 * `score` times how good it looks itself; `same` for each beyond the first; `ahead` for going further than answers that differ.
 */
export interface Agreement {
  answer: number;
  score: number;
  same: number;
  ahead: number;
}

/** An answer as it is compared with others to the same prompt. */
export interface Compared extends Pick<AnswerFacts, 'final' | 'steps'> {
  /** How good it looks itself, in log-odds that are not calibrated. */
  score: number;
}

/** Answers of one final answer, as what an `Agreement` weighs. */
export type Evidence = Record<keyof Agreement, number>;

/** Whether two answers come to the same. */
export function comeToTheSame(one: Pick<Compared, 'final'>, other: Pick<Compared, 'final'>): boolean {
  return one.final !== null && one.final === other.final;
}

/** Answers by what they come to, that of the first one first. Who comes to nothing stands alone. */
export function byFinal<Some extends Pick<Compared, 'final'>>(answers: readonly Some[]): Some[][] {
  return [...Map.groupBy(answers, (answer) => answer.final ?? answer).values()];
}

/** What speaks for each final answer, in the order of `byFinal`. */
export function evidenceOf(answers: readonly Compared[]): Evidence[] {
  return byFinal(answers).map((same, _index, all) => {
    const rivals = all.flatMap((others) => (others === same ? [] : others));
    return {
      answer: same.length,
      score: same.reduce((sum, { score }) => sum + score, 0),
      same: same.length - 1,
      ahead: same.reduce((sum, one) => sum + rivals.reduce((ofOne, rival) => ofOne + aheadOf(one, rival), 0), 0),
    };
  });
}

/**
 * By how much one answer goes further than another: 1 where it takes all the steps of the other and the other none of its own
 * beyond. Who stops halfway is rather wrong.
 */
function aheadOf(one: Compared, rival: Compared): number {
  return shareIn(rival.steps, one.steps) - shareIn(one.steps, rival.steps);
}

function shareIn(steps: Compared['steps'], others: Compared['steps']): number {
  if (steps.size === 0) return 0.5;
  let found = 0;
  for (const step of steps) if (others.has(step)) found += 1;
  return found / steps.size;
}

/** The log-odds that the first answer is right, given all of them. */
export function logOddsAmong(answers: readonly Compared[], agreement: Agreement): number {
  const [ofFirst = 0, ...ofRivals] = evidenceOf(answers).map((evidence) => weightOf(evidence, agreement));
  return ofFirst - Math.log(1 + ofRivals.reduce((sum, weight) => sum + Math.exp(weight), 0));
}

function weightOf(evidence: Evidence, agreement: Agreement): number {
  return (
    agreement.answer * evidence.answer +
    agreement.score * evidence.score +
    agreement.same * evidence.same +
    agreement.ahead * evidence.ahead
  );
}
