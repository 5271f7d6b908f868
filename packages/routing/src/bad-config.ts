import { isBaseUrl } from '@upshift/contracts';
import type { Check, ClassifierProfile, ScorerProfile, UpshiftConfig } from '@upshift/contracts';

import { signalNames } from './classifier/signals.ts';
import { badRedaction } from './redact.ts';
import { badCheck } from './score.ts';
import { denseNames } from './scorer/features.ts';

/**
 * What is wrong with a configuration beyond its shape: addresses without a scheme, patterns that do not compile, features that the
 * scorer does not have. Asked where a configuration is new, never of one that is stored: jobs under way may have been accepted under it.
 */
export function badConfig({ providers, recording, scorer, classifier, routes }: UpshiftConfig): string[] {
  return [
    ...badBaseUrls(providers),
    ...badRedaction(recording.redact),
    ...Object.entries(routes).flatMap(([name, { checks }]) => badRouteChecks(name, checks)),
    ...unknownFeatures(scorer.profile ?? null).map(
      (name) => `scorer.profile.features.${name}: the scorer has no such feature; there are ${denseNames.join(', ')}`,
    ),
    ...unknownSignals(classifier.profile ?? null).map(
      (name) => `classifier.profile.features.${name}: the classifier has no such signal; there are ${signalNames.join(', ')}`,
    ),
  ];
}

/** The address is not repeated: it may hold a password. */
function badBaseUrls(providers: UpshiftConfig['providers']): string[] {
  return Object.entries(providers).flatMap(([id, { adapter, base_url: url }]) =>
    url === undefined || isBaseUrl(url, adapter)
      ? []
      : [`providers.${id}.base_url: must begin with http:// or https:// and have no ? or #, as in http://vllm:8000/v1`],
  );
}

function badRouteChecks(route: string, checks: Check[]): string[] {
  return checks
    .flatMap((check, index) => badCheck(check, `routes.${route}.checks.${index}`))
    .map(({ field, value, message }) => `${field}${value === undefined ? '' : ` (is ${JSON.stringify(value)})`}: ${message}`);
}

function unknownSignals(profile: ClassifierProfile | null): string[] {
  return Object.keys(profile?.features ?? {}).filter((name) => !signalNames.includes(name));
}

/** Names in a profile that are no feature of the scorer. */
export function unknownFeatures(profile: ScorerProfile | null): string[] {
  const known: readonly string[] = denseNames;
  return Object.keys(profile?.features ?? {}).filter((name) => !known.includes(name));
}
