import { draw, foldOf, FOLDS } from '@upshift/routing';

import { mean } from './metrics.ts';
import type { Router } from './money.ts';
import type { Pair } from './pairs.ts';

/** What a router must beat, and what none can. */
export function baselinesOf({ questions }: Pair): Router[] {
  // Equal scores are told apart by a draw, so that a threshold can lie between them.
  const chance = questions.map((_, index) => draw(0.5, index));
  const drawn = (scores: number[]): number[] => scores.map((score, index) => score + 1e-6 * chance[index]!);
  const gains = questions.map(({ weak, strong }) => strong - weak);
  const lengths = questions.map(({ prompt }) => prompt.length);
  const hasDomains = questions.some(({ domain }) => domain !== null);
  return [
    baseline('random', 'prompt', chance),
    ...(lengths.some((length) => length > 0) ? [baseline('prompt length', 'prompt', lengths)] : []),
    ...(hasDomains ? [baseline('table of subjects, told the subject', 'prompt', drawn(subjectTable(questions)))] : []),
    baseline('perfect verifier', 'cascade', drawn(questions.map(({ weak }) => -weak))),
    baseline('oracle', 'prompt', drawn(gains)),
  ];
}

function baseline(name: string, kind: Router['kind'], scores: number[]): Router {
  return { track: 'baseline', name, kind, scores, extra: 0 };
}

/** The mean gain of a question's subject in the other folds: what a router knows that is told the subject. */
function subjectTable(questions: Pair['questions']): number[] {
  const all = mean(questions.map(({ weak, strong }) => strong - weak));
  const sums = new Map<string, { gain: number; count: number }>();
  for (const { id, domain, weak, strong } of questions)
    for (let fold = 0; fold < FOLDS; fold += 1) {
      if (fold === foldOf(id)) continue;
      const { gain, count } = sums.get(keyOf(domain, fold)) ?? { gain: 0, count: 0 };
      sums.set(keyOf(domain, fold), { gain: gain + strong - weak, count: count + 1 });
    }
  return questions.map(({ id, domain }) => {
    const known = sums.get(keyOf(domain, foldOf(id)));
    return known === undefined ? all : known.gain / known.count;
  });
}

function keyOf(domain: string | null, fold: number): string {
  return `${fold} ${domain}`;
}
