import type { UpshiftConfig } from '@upshift/contracts';

import { heuristicClassifier } from '../classify.ts';
import type { Classifier } from '../classify.ts';
import { trainedClassifier } from './trained.ts';

/** The classifier that a configuration names. */
export function classifierOf({ classifier }: Pick<UpshiftConfig, 'classifier'>): Classifier {
  return classifier.type === 'trained' ? trainedClassifier : heuristicClassifier;
}
