import type { Subject } from './subject.ts';
import { comeToTheSame } from '../scorer/agreement.ts';
import type { Compared } from '../scorer/agreement.ts';
import { finalAnswerOf } from '../scorer/extract-answer.ts';
import { factsOfAnswer, isKnownGround } from '../scorer/features.ts';
import { logOddsOf, lookOf } from '../scorer/score-answer.ts';
import { probabilityOf } from '../scorer/model.ts';

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
  const given = others.map((other) => lookOf(factsOfAnswer(prompt, other)));
  const probability = probabilityOf(logOddsOf(facts, [...given, ...imaginary(lookOf(facts), imagined)], profile));
  return { probability, ...agreementOf(subject) };
}

function agreementOf({ prompt, answer, others, imagined }: Subject): Pick<Opinion, 'agreeing' | 'differing'> {
  if (others.length === 0) return imagined;
  const [own, ...given] = [answer.text, ...others].map((text) => ({ final: finalAnswerOf(text, prompt)?.value ?? null }));
  const agreeing = given.filter((other) => comeToTheSame(own!, other)).length;
  return { agreeing: agreeing + imagined.agreeing, differing: others.length - agreeing + imagined.differing };
}

/** Imagined answers look as good as the one that they are compared with; all that differ come to the same. */
function imaginary(own: Compared, { agreeing, differing }: Subject['imagined']): Compared[] {
  const other = { ...own, final: 'something else' };
  return [...Array.from({ length: agreeing }, () => own), ...Array.from({ length: differing }, () => other)];
}
