import type { UpshiftConfig } from '@upshift/contracts';
import type { Calibrated, FittedThresholds } from '@upshift/routing';

import { risingBelowOne } from './change-config.ts';

/** What calibration came to, for machines and for the report. */
export interface Calibration extends Omit<Calibrated, 'heldOut'> {
  /** Whether the configuration has a profile already, which the new one is compared with. */
  hadProfile: boolean;
  tiers: string[];
  /** Whether thresholds say too where jobs start. */
  starts: boolean;
  /** Of how many of the labels the scorer says nothing in the running system. */
  silent: number;
  target: number | null;
  questions: number;
  thresholds: FittedThresholds | null;
}

type Before = Pick<UpshiftConfig, 'tiers' | 'classifier'>;

/** What calibration found, as Markdown. `before` is the configuration that it would change. */
export function reportOf(calibration: Calibration, before: Before | null): string[] {
  return [...scorerLines(calibration), ...(before === null ? [] : ['', ...thresholdLines(calibration, before)])];
}

function scorerLines({ labels, before, fitted, isBetter, profile, hadProfile }: Calibration): string[] {
  return [
    `# The scorer, on ${labels} labels`,
    '',
    'The new profile scores each label without having seen its question.',
    '',
    '| scorer | log loss | too sure by |',
    '| --- | --- | --- |',
    fitRow(hadProfile ? 'with the profile in force' : 'as shipped', before),
    fitRow(hadProfile ? 'with the new one' : 'with the profile', fitted),
    '',
    isBetter
      ? `The profile is better. It has an intercept of ${profile.intercept}, a slope of ${profile.slope}, and ${Object.keys(profile.features).length} features.`
      : `The labels teach nothing that is better than ${hadProfile ? 'the profile in force' : 'what is shipped'}, so the scorer stays as it is.`,
  ];
}

function fitRow(name: string, { logLoss, bias }: Calibration['before']): string {
  return `| ${name} | ${logLoss.toFixed(4)} | ${signed(100 * bias)} points |`;
}

function thresholdLines({ thresholds, tiers, starts, silent, labels, target, questions }: Calibration, before: Before): string[] {
  const head = [`# Thresholds for ${percent(target ?? 0)} of the quality of ${tiers.at(-1)}`, ''];
  if (thresholds === null)
    return [
      ...head,
      `${questions} questions have an answer of every tier (${tiers.join(', ')}): too few to promise that. Add labels, or lower the target.`,
    ];
  const { acceptAt, startAt, quality, qualityWithin, cost } = thresholds;
  const accept = tiers.slice(0, -1).map((name, index) => {
    const old = before.tiers.find((tier) => tier.name === name)?.accept_at;
    return `| \`tiers.${name}.accept_at\` | ${old} | ${acceptAt[index]!.toFixed(3)} |`;
  });
  const missing = before.tiers.flatMap(({ name }) => (tiers.includes(name) ? [] : [name]));
  const start = starts
    ? [`| \`classifier.thresholds\` | ${before.classifier.thresholds.join(', ')} | ${risingBelowOne(startAt).join(', ')} |`]
    : [];
  return [
    ...head,
    `${questions} questions have an answer of every tier (${tiers.join(', ')}).`,
    '',
    '| key | now | then |',
    '| --- | --- | --- |',
    ...accept,
    ...start,
    '',
    `On these questions: ${percent(quality)} of the quality of ${tiers.at(-1)} (90 % of resampled sets: ${percent(qualityWithin[0])} to ${percent(qualityWithin[1])}), for ${percent(cost)} of its cost.`,
    ...(silent === 0
      ? []
      : [
          '',
          `Of ${silent} of the ${labels} answers that are judged the scorer says nothing in the running system: no threshold holds them back, and they count as accepted.`,
        ]),
    ...(starts
      ? []
      : [
          '',
          `${whyNoStarts(missing, before)}, so \`classifier.thresholds\` stays as it is, and the promise is for jobs that start at ${tiers[0]}${missing.length === 0 ? '' : ` and never come to ${missing.join(', ')}`}.`,
        ]),
  ];
}

function whyNoStarts(missing: string[], { classifier: { type } }: Before): string {
  if (missing.length > 0) return `Answers of ${missing.join(', ')} are not compared here`;
  return `\`classifier.type\` is ${type}, and what it says of these prompts is not known here`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}
