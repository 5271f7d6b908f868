import type { Subject } from './subject.ts';
import { factsOfAnswer } from '../scorer/features.ts';
import type { AnswerFacts } from '../scorer/features.ts';
import { compare, logOddsOf, rawScoreOf } from '../scorer/score-answer.ts';
import { probabilityOf } from '../scorer/model.ts';
import type { Others } from '../scorer/model.ts';

/** What the trained scorer and the comparison with other answers say of an answer; null where they can say nothing. */
export interface Opinion {
  /** The calibrated probability that the answer is right; null where the scorer has not learnt of such answers. */
  probability: number | null;
  agreeing: number;
  differing: number;
}

export function opinionOf({ prompt, answer, others, imagined, profile }: Subject): Opinion {
  const facts = factsOfAnswer(prompt, answer.text);
  const compared = imagine(compare(prompt, answer.text, others), imagined, rawScoreOf(facts));
  const probability = isKnownGround(facts) ? probabilityOf(logOddsOf(facts, compared, profile)) : null;
  return { probability, agreeing: compared.agreeing, differing: compared.differing };
}

/** Imagined answers look as good as the one that they are compared with. */
function imagine(others: Others, { agreeing, differing }: Subject['imagined'], look: number): Others {
  return {
    agreeing: others.agreeing + agreeing,
    agreeingScore: others.agreeingScore + agreeing * look,
    differing: others.differing + differing,
    differingScore: others.differingScore + differing * look,
  };
}

/**
 * Whether the scorer has learnt of such answers: a number for a question with numbers, named as the result or calculated,
 * or the letter of an option. Of a letter to a customer or a summary it knows nothing, and says nothing.
 */
function isKnownGround({ kind, promptNumbers, promptOptions, marked, equations }: AnswerFacts): boolean {
  if (kind === 'letter') return promptOptions >= 2;
  return kind === 'number' && promptNumbers >= 2 && (marked || equations > 0);
}
