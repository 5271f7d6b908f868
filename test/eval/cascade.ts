import { factsOfAnswer } from '../../packages/routing/src/scorer/features.ts';
import { compare, logOddsOf } from '../../packages/routing/src/scorer/score-answer.ts';
import type { ScorerProfile } from '../../packages/routing/src/scorer/score-answer.ts';
import type { ScorerWeights } from '../../packages/routing/src/scorer/model.ts';
import { mean } from './metrics.ts';

/** A question of a cascade: the cheap answer that is always bought, the extra ones, and the strong model's. */
export interface CascadeQuestion {
  id: string;
  prompt: string;
  cheapAnswer: string;
  cheapRight: number;
  strongRight: number;
  /** Further cheap answers that the scorer may compare; all are paid for. */
  others: string[];
  /** In dollars. */
  cheapCost: number;
  strongCost: number;
}

/** The score of each cheap answer: high where it is good. */
export function scoresOf(
  questions: CascadeQuestion[],
  weights: ScorerWeights,
  { useOthers, profile = null }: { useOthers: boolean; profile?: ScorerProfile | null },
): number[] {
  return questions.map(({ prompt, cheapAnswer, others }) => {
    const compared = useOthers ? others : [];
    const seen = compare(prompt, cheapAnswer, compared, weights);
    return logOddsOf(factsOfAnswer(prompt, cheapAnswer), seen, profile, weights);
  });
}

/**
 * The least cost at which a cascade reaches a share of the strong model's accuracy, as a share of what the strong model alone
 * costs; null where it never does. The worst answers are escalated first.
 */
export function dollarsToReach(
  questions: CascadeQuestion[],
  scores: number[],
  share: number,
  extraAnswers: number,
): number | null {
  const goal = share * mean(questions.map(({ strongRight }) => strongRight));
  const strongCost = questions.reduce((sum, { strongCost: cost }) => sum + cost, 0);
  const order = questions
    .map((question, index) => ({ question, score: scores[index] ?? 0 }))
    .toSorted((a, b) => a.score - b.score);
  let cost = questions.reduce((sum, { cheapCost }) => sum + cheapCost * (1 + extraAnswers), 0);
  let right = questions.reduce((sum, { cheapRight }) => sum + cheapRight, 0);
  if (right / questions.length >= goal) return cost / strongCost;
  for (const { question } of order) {
    right += question.strongRight - question.cheapRight;
    cost += question.strongCost;
    if (right / questions.length >= goal - 1e-9) return cost / strongCost;
  }
  return null;
}
