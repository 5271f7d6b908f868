import type { ClassifierProfile, ClassifierType, UpshiftConfig } from '@upshift/contracts';

import { heuristicClassifier } from '../classify.ts';
import type { Classifier } from '../classify.ts';
import { fittedClassifier, trainedClassifier } from './trained.ts';

/** The classifier by which the jobs of a route go. */
export function classifierTypeOf({ classifier, routes }: UpshiftConfig, route: string): ClassifierType {
  return routes[route]?.classifier ?? classifier.type;
}

/** The classifier that answers in this process: the one that is named, and the trained one in the place of those that are asked elsewhere. */
export function classifierOf(type: ClassifierType, profile: ClassifierProfile | null = null): Classifier {
  if (type === 'rules') return heuristicClassifier;
  return profile === null ? trainedClassifier : fittedClassifier(profile);
}
