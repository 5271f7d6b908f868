import type { Classification, ClassifierProfile, ClassifierType, UpshiftConfig } from '@upshift/contracts';

import { heuristicClassifier } from '../classify.ts';
import type { Classifier, PromptFacts } from '../classify.ts';
import { classifyAndSee } from './trained.ts';
import type { Seen } from './trained.ts';

/** The classifier by which the jobs of a route go. */
export function classifierTypeOf({ classifier, routes }: UpshiftConfig, route: string): ClassifierType {
  return routes[route]?.classifier ?? classifier.type;
}

/** The classifier that answers in this process: the one that is named, and the trained one in the place of those that are asked elsewhere. */
export function classifierOf(type: ClassifierType, profile: ClassifierProfile | null = null): Classifier {
  return type === 'rules' ? heuristicClassifier : (prompt) => classifyAndSee(prompt, profile).own;
}

/** What it says, and what a label of this prompt is to keep. */
export function classified(
  { classifier }: UpshiftConfig,
  type: ClassifierType,
  prompt: PromptFacts,
): { own: Classification; seen: Seen } {
  const looked = classifyAndSee(prompt, classifier.profile ?? null);
  return type === 'rules' ? { ...looked, own: heuristicClassifier(prompt) } : looked;
}
