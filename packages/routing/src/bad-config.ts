import type { ClassifierProfile, ScorerProfile, UpshiftConfig } from '@upshift/contracts';

import { signalNames } from './classifier/signals.ts';
import { badRedaction } from './redact.ts';
import { denseNames } from './scorer/features.ts';

/** What is wrong with a configuration beyond its shape: patterns that do not compile, features that the scorer does not have. */
export function badConfig({ recording, scorer, classifier }: UpshiftConfig): string[] {
  return [
    ...badRedaction(recording.redact),
    ...unknownFeatures(scorer.profile ?? null).map(
      (name) => `scorer.profile.features.${name}: the scorer has no such feature; there are ${denseNames.join(', ')}`,
    ),
    ...unknownSignals(classifier.profile ?? null).map(
      (name) => `classifier.profile.features.${name}: the classifier has no such signal; there are ${signalNames.join(', ')}`,
    ),
  ];
}

function unknownSignals(profile: ClassifierProfile | null): string[] {
  return Object.keys(profile?.features ?? {}).filter((name) => !signalNames.includes(name));
}

/** Names in a profile that are no feature of the scorer. */
export function unknownFeatures(profile: ScorerProfile | null): string[] {
  const known: readonly string[] = denseNames;
  return Object.keys(profile?.features ?? {}).filter((name) => !known.includes(name));
}
