import { existsSync } from 'node:fs';

import type { LabelLine, UpshiftConfig } from '@upshift/contracts';
import {
  bareFacts,
  calibrate,
  calibrateThresholds,
  costOf,
  estimateTokens,
  classifierOf,
  firstModelOf,
  isKnownGround,
  nanoUsdToUsd,
  plainUsage,
} from '@upshift/routing';

import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { say, show } from '../print.ts';
import { refuseSameFile } from '../same-file.ts';
import { usableConfig } from '../usable-config.ts';
import { writeWhole } from '../write-file.ts';
import { writeChanged } from './change-config.ts';
import { labelsFromHistory, readLabels } from './read-labels.ts';
import { reportOf } from './report.ts';
import type { Calibration } from './report.ts';

export interface CalibrateOptions {
  labels?: string;
  fromHistory: boolean;
  /** The share of the top tier's quality that thresholds must reach. */
  target?: number;
  /** Where the profile goes. */
  profile?: string;
  /** The configuration to change. */
  config: string;
  /** Where the changed configuration goes. */
  out?: string;
  /** Where the report goes, as Markdown. */
  report?: string;
  json: boolean;
}

/** `upshift calibrate`: fits the scorer to labels, and thresholds to a share of the top tier's quality. Returns the exit code. */
export async function calibrateCommand(api: () => Api, options: CalibrateOptions): Promise<number> {
  const { target, profile, out, report, json } = options;
  for (const [option, file] of Object.entries({ '--profile': profile, '--out': out, '--report': report }))
    refuseSameFile(option, file, options.labels);
  // `--out` may be the configuration itself.
  for (const [option, file] of Object.entries({ '--profile': profile, '--report': report }))
    refuseSameFile(option, file, options.config);
  const labels = await labelsOf(api, options);
  const { calibration, config } = fit(labels, options);
  if (profile !== undefined) writeWhole(profile, `${JSON.stringify(calibration.profile, null, 2)}\n`);
  const text = reportOf(calibration, target === undefined ? null : config);
  if (report !== undefined) writeWhole(report, `${text.join('\n')}\n`);
  if (out !== undefined)
    writeChanged(options.config, out, { ...calibration, profile: calibration.isBetter ? calibration.profile : null });
  show(json, calibration, text);
  for (const file of [profile, out, report]) if (file !== undefined) say(`wrote ${file}`);
  return target !== undefined && calibration.thresholds === null ? exitCode.failed : exitCode.ok;
}

async function labelsOf(api: () => Api, { labels, fromHistory, target }: CalibrateOptions): Promise<LabelLine[]> {
  if ((labels === undefined) === !fromHistory) throw new CommandError('Give --labels FILE or --from-history.', exitCode.refused);
  const found =
    labels === undefined
      ? await labelsFromHistory(api(), { thresholds: target !== undefined }, nowAndThen())
      : await readLabels(labels);
  if (found.length > 0) return found;
  throw new CommandError(
    labels === undefined
      ? 'No ended job has a late verdict or was audited; give verdicts with  npx upshift verdict <job> --passed|--failed --reason …  or begin an audit'
      : `${labels} has no labels.`,
    exitCode.refused,
  );
}

const SAID_EVERY_MS = 5000;

/** On stderr, where something takes long. */
function nowAndThen(): (line: string) => void {
  let last = Date.now();
  return (line) => {
    if (Date.now() - last < SAID_EVERY_MS) return;
    last = Date.now();
    say(line);
  };
}

function fit(labels: LabelLine[], options: CalibrateOptions): { calibration: Calibration; config: UpshiftConfig | null } {
  const { target, fromHistory } = options;
  const config = comparedConfig(options);
  const current = config?.scorer.profile ?? null;
  const hadProfile = current !== null;
  try {
    if (target === undefined || config === null) {
      const { heldOut: _heldOut, ...calibrated } = calibrate(labels, current);
      const none = { tiers: [], starts: false, silent: 0, target: null, questions: 0, thresholds: null };
      return { calibration: { ...calibrated, hadProfile, ...none }, config };
    }
    const known = tiersOf(labels, config, options);
    const tiers = fromHistory ? mostAudited(labels, known) : known;
    const judged = labels.filter(({ tier }) => tier !== tiers.at(-1));
    const { heldOut, ...calibrated } = calibrate(judged, current);
    const scoreOf = new Map(judged.map((label, at) => [label, heldOut[at]!]));
    const classify = classifierOf(config.classifier.type, config.classifier.profile);
    const complexityOf = (prompt: string): number => classify(bareFacts(prompt)).complexity;
    const starts = tiers.length === config.tiers.length && !asksElsewhere(config);
    const ladder = { tiers, complexityOf: starts ? complexityOf : null, costUsdOf: costsOf(config, options.config) };
    const withoutOpinion = new Set(labels.filter(isSilentOn));
    const scores = labels.map((label) => (withoutOpinion.has(label) ? 1 : (scoreOf.get(label) ?? 1)));
    const silent = judged.filter((label) => withoutOpinion.has(label)).length;
    const thresholds = calibrateThresholds(labels, scores, ladder, target);
    return { calibration: { ...calibrated, hadProfile, tiers, starts, silent, target, ...thresholds }, config };
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(`${error.message}; give more labels`, exitCode.refused);
    throw error;
  }
}

/** Whether the scorer says nothing of an answer in the running system, where it is then accepted with a score of 1. */
function isSilentOn({ prompt, answer }: LabelLine): boolean {
  return !isKnownGround(prompt, answer);
}

/** Whether a model, or the user's service, says how complex a prompt is: what it would say of a label's is not known here. */
function asksElsewhere({ classifier: { type } }: UpshiftConfig): boolean {
  return type === 'llm' || type === 'http';
}

/** The configuration that is in force; null where there is none and nothing is to be changed in it, so that what is shipped is meant. */
function comparedConfig({ target, out, config }: CalibrateOptions): UpshiftConfig | null {
  return target === undefined && out === undefined && !existsSync(config) ? null : usableConfig(config);
}

/** The tiers of the configuration that have labels, the top one among them. What the fallback has answered is of none, and history may tell of tiers that are gone. */
function tiersOf(labels: LabelLine[], config: UpshiftConfig, { config: file, fromHistory }: CalibrateOptions): string[] {
  const all = config.tiers.map(({ name }) => name);
  const given = new Set(labels.map(({ tier }) => tier));
  const strange = [...given].find((tier) => tier !== 'fallback' && !all.includes(tier));
  if (!fromHistory && strange !== undefined)
    throw new CommandError(`tier ${strange} of the labels is not in ${file}, which has ${all.join(', ')}`, exitCode.refused);
  const tiers = all.filter((name) => given.has(name));
  if (tiers.length >= 2 && tiers.at(-1) === all.at(-1)) return tiers;
  throw new CommandError(
    `thresholds against the top tier need labels of ${all.at(-1)} and of a cheaper tier; there are some of ${tiers.join(', ') || 'neither'}`,
    exitCode.refused,
  );
}

/** An audit has the answers of two tiers: the cheaper one of most of them, and the top one. */
function mostAudited(labels: LabelLine[], tiers: string[]): string[] {
  const top = tiers.at(-1)!;
  const compared = new Set(labels.flatMap(({ tier, question_id: id }) => (tier === top ? [id] : [])));
  const countOf = (name: string): number =>
    labels.filter(({ tier, question_id: id }) => tier === name && compared.has(id)).length;
  return [tiers.slice(0, -1).toSorted((one, other) => countOf(other) - countOf(one))[0]!, top];
}

/**
 * What a call costs with the model that stands for a tier, by estimated tokens. Throws a `CommandError` where that is not known.
 *
 * @param file the configuration's, for the error
 */
function costsOf(config: UpshiftConfig, file: string): (tier: string, prompt: string, answer: string) => number {
  const now = Date.now();
  return (tier, prompt, answer) => {
    const usage = plainUsage(estimateTokens(prompt.length), estimateTokens(answer.length));
    const model = firstModelOf(config, tier);
    const cost = model === null ? null : costOf(usage, config.models[model], now);
    if (cost !== null) return nanoUsdToUsd(cost);
    const why = model === null ? 'it has no model that answers prompts' : `${model} has no price in force`;
    throw new CommandError(`${file}: what tier ${tier} costs is not known: ${why}`, exitCode.refused);
  };
}
