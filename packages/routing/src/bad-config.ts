import type { UpshiftConfig } from '@upshift/contracts';

import { badRedaction } from './redact.ts';
import { denseNames } from './scorer/features.ts';

/** What is wrong with a configuration beyond its shape: patterns that do not compile, features that the scorer does not have. */
export function badConfig({ recording, scorer }: UpshiftConfig): string[] {
  const known: readonly string[] = denseNames;
  const unknown = Object.keys(scorer.profile?.features ?? {}).filter((name) => !known.includes(name));
  return [
    ...badRedaction(recording.redact),
    ...unknown.map((name) => `scorer.profile.features.${name}: the scorer has no such feature; there are ${known.join(', ')}`),
  ];
}
