import type { Subject } from './subject.ts';
import { factsOfAnswer, isKnownGround } from '../scorer/features.ts';
import { agrees, compare, logOddsOf, rawScoreOf } from '../scorer/score-answer.ts';
import { probabilityOf } from '../scorer/model.ts';
import type { Others } from '../scorer/model.ts';

/** What the trained scorer and the comparison with other answers say of an answer; null where they can say nothing. */
export interface Opinion {
  /** The calibrated probability that the answer is right; null where the scorer has not learnt of such answers. */
  probability: number | null;
  agreeing: number;
  differing: number;
}

export function opinionOf(subject: Subject): Opinion {
  const { prompt, answer, others, imagined, profile } = subject;
  // Most answers: they are not looked at any closer.
  if (!isKnownGround(prompt, answer.text)) return { probability: null, ...agreementOf(subject) };
  const facts = factsOfAnswer(prompt, answer.text);
  const compared = imagine(compare(prompt, answer.text, others), imagined, rawScoreOf(facts));
  const probability = probabilityOf(logOddsOf(facts, compared, profile));
  return { probability, agreeing: compared.agreeing, differing: compared.differing };
}

function agreementOf({ prompt, answer, others, imagined }: Subject): Pick<Opinion, 'agreeing' | 'differing'> {
  const agreeing = others.filter((other) => agrees(answer.text, other, prompt)).length;
  return { agreeing: agreeing + imagined.agreeing, differing: others.length - agreeing + imagined.differing };
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
