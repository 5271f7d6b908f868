import type { LabelLine } from '@upshift/contracts';

/** Sums with an answer of each tier: the cheap one miscalculates every third, the middle one every ninth, the top one none. */
export function exampleLabels(questions: number, tiers = ['economy', 'standard', 'premium']): LabelLine[] {
  return Array.from({ length: questions }, (_, index) => index).flatMap((index) =>
    tiers.map((tier, level) => {
      const ok = level === 2 || index % (level === 0 ? 3 : 9) !== 0;
      return { question_id: `q${index}`, prompt: promptOf(index), tier, answer: answerOf(index, ok), ok };
    }),
  );
}

function promptOf(index: number): string {
  return `A shop has ${index + 3} boxes with ${index + 7} pens each and sells each pen for $2. How much does it earn?`;
}

/** Who miscalculates says so in the calculation. */
function answerOf(index: number, ok: boolean): string {
  const pens = (index + 3) * (index + 7);
  const earned = ok ? pens * 2 : pens * 2 + 13;
  return `There are ${index + 3} * ${index + 7} = ${pens} pens. They bring ${pens} * 2 = ${earned}.\nThe answer is ${earned}.`;
}
