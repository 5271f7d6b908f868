import { fitClassifier, fitScorer, foldOf, FOLDS, modelOfWeights, shippedClassifier, shippedWeights } from '@upshift/routing';
import type { GainRow, LabelledAnswer } from '@upshift/routing';

import type { Weights } from './ours.ts';

/** For each question weights that have learnt of no answer to it: the training of the shipped ones, five times, each without a fifth. */
export function unseenWeights(answers: LabelledAnswer[], gains: GainRow[], progress: (done: number) => void): Weights {
  const byFold = Array.from({ length: FOLDS }, (_, fold) => {
    const isSeen = ({ id }: { id: string }): boolean => foldOf(id) !== fold;
    const weights = {
      classifier: modelOfWeights(fitClassifier(gains.filter(isSeen))),
      scorer: fitScorer(answers.filter(isSeen)),
    };
    progress((fold + 1) / FOLDS);
    return weights;
  });
  return {
    classifier: ({ id }) => byFold[foldOf(id)]!.classifier,
    scorer: ({ id }) => byFold[foldOf(id)]!.scorer,
  };
}

/** The shipped weights for every question: right for questions that are not those that they were trained from. */
export const shippedForAll: Weights = { classifier: () => shippedClassifier, scorer: () => shippedWeights };
