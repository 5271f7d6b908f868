import { existsSync } from 'node:fs';

import type { GateLabel, LabelLine, UpshiftConfig } from '@upshift/contracts';
import { gateLabel, labelLine } from '@upshift/contracts';
import { questionsOfAnswers, questionsOfLabels, refitClassifier } from '@upshift/routing';
import type { ClassifierFit, GainedQuestion, Refitted } from '@upshift/routing';

import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { parseLine } from '../parse-line.ts';
import { say, show } from '../print.ts';
import { refuseSameFile } from '../same-file.ts';
import { numberedLines } from '../run/read-lines.ts';
import { table } from '../table.ts';
import { usableConfig } from '../usable-config.ts';
import { writeClassifierProfile } from './change-config.ts';
import { keptLabels, LABEL } from './read-labels.ts';

export interface TrainOptions {
  /** A file of labels; those that the system has kept where it is left out. */
  labels?: string;
  /** The configuration whose classifier is fitted. */
  config: string;
  /** Where the configuration with the new weights goes: the same file installs them. */
  out?: string;
  json: boolean;
}

/** `upshift train`: fits the classifier to what became of answers. Returns the exit code: `failed` where what came out is no better. */
export async function trainCommand(api: () => Api, { labels, config: file, out, json }: TrainOptions): Promise<number> {
  refuseSameFile('--out', out, labels);
  const config = usableConfig(file);
  const questions = await questionsOf(api, labels, config);
  const refitted = fit(questions, config, labels ?? `${api().url}/v1/labels`);
  if (out !== undefined && refitted.isBetter) writeClassifierProfile(file, out, refitted.profile);
  show(json, refitted, [...textOf(refitted), ...unusedLines(config)]);
  if (out !== undefined) say(refitted.isBetter ? `wrote ${out}` : `${out} is left as it ${existsSync(out) ? 'is' : 'was'}`);
  return refitted.isBetter ? exitCode.ok : exitCode.failed;
}

async function questionsOf(api: () => Api, labels: string | undefined, config: UpshiftConfig): Promise<GainedQuestion[]> {
  const tiers = config.tiers.map(({ name }) => name);
  if (labels === undefined) return questionsOfLabels(await keptLabels(api()), tiers);
  const [kept, answers]: [GateLabel[], LabelLine[]] = [[], []];
  for await (const line of numberedLines(labels)) {
    // A line of the system's own has signals; one of somebody's has the prompt.
    if (/"signals"\s*:/.test(line.text)) kept.push(parseLine(line, gateLabel, LABEL));
    else answers.push(parseLine(line, labelLine, LABEL));
  }
  return [...questionsOfLabels(kept, tiers), ...questionsOfAnswers(answers, tiers)];
}

function fit(questions: GainedQuestion[], config: UpshiftConfig, from: string): Refitted {
  try {
    return refitClassifier(questions, config.classifier.profile ?? null);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(`${from}: ${error.message}`, exitCode.refused);
    throw error;
  }
}

function textOf({ profile, trained, heldOut, gains, before, after, isBetter }: Refitted): string[] {
  return [
    `${trained + heldOut} questions whose lowest tier was tried; on ${gains} a stronger tier gained.`,
    `Learnt from ${trained}; tried on ${heldOut} others:`,
    '',
    ...table(['classifier', 'log loss', 'expects too much by', 'ranks rightly'], [row('as it is', before), row('fitted', after)]),
    '',
    isBetter
      ? `It is better. It has an intercept of ${profile.intercept}, a slope of ${profile.slope}, and ${Object.keys(profile.features).length} signals.`
      : 'It is no better, so it is not written.',
  ];
}

/** Said where what is learnt changes nothing: the rules have no weights. */
function unusedLines({ classifier: { type }, routes }: UpshiftConfig): string[] {
  const isUsed = Object.values(routes).some(({ classifier = type }) => classifier !== 'rules');
  return isUsed ? [] : ['', 'No job goes by these weights: all routes are classified by rules (classifier.type).'];
}

function row(name: string, { logLoss, bias, ranked }: ClassifierFit): string[] {
  const tooMuch = `${bias < 0 ? '−' : '+'}${Math.abs(100 * bias).toFixed(1)} points`;
  return [name, logLoss.toFixed(4), tooMuch, ranked.toFixed(3)];
}
