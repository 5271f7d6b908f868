import { parseArgs } from 'node:util';

import { CommandError, exitCode } from '../../services/cli/src/exit-code.ts';
import { table } from '../../services/cli/src/table.ts';
import { recordedModels, readQuestions } from './gsm8k.ts';
import { replay, replayCalibrated, replayWithAgreement } from './replay.ts';
import type { Report, Score } from './report.ts';

const usage = `Replays real models' recorded answers to GSM8K through the whole running system.

  npm run replay -- --data DIR [--questions N] [--json]

  --data DIR      the folder with zeroeval_gsm_*.jsonl.gz
  --questions N   the first N questions only
  --json          the report as JSON on the last line of stdout

Exit code 0 where every question was answered by a recorded answer, else 1; 2 for bad arguments.
`;

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.code);
}

async function main(): Promise<number> {
  const values = optionsGiven();
  const limit = values.questions === undefined ? Infinity : Number(values.questions);
  if (values.help || values.data === undefined || !(limit >= 1)) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  const questions = readQuestions(values.data).slice(0, limit);
  process.stderr.write(`${questions.length} questions that all of ${recordedModels.length} models have answered.\n`);
  const report = await replay(questions);
  const withAgreement = await replayWithAgreement(questions);
  const calibrated = await replayCalibrated(questions);
  const all = { ...report, with_agreement: withAgreement, calibrated };
  (values.json ? process.stderr : process.stdout).write(textOf(report, withAgreement, calibrated));
  if (values.json) process.stdout.write(`${JSON.stringify(all)}\n`);
  const isWhole = [report, withAgreement, calibrated].every((one) => one.completed === one.questions && one.not_recorded === 0);
  return isWhole ? 0 : 1;
}

function optionsGiven() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ options: { data: text, questions: text, json: flag, help: flag } }).values;
  } catch (error) {
    throw new CommandError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, exitCode.refused);
  }
}

function row(name: string, { right, cost_usd: cost }: Score): string[] {
  return [name, `${(right * 100).toFixed(1)} %`, cost.toFixed(6)];
}

function textOf(report: Report, withAgreement: Report, calibrated: Report): string {
  const variants: [string, Report][] = [
    ['Upshift, as shipped', report],
    ['Upshift, with the check agreement', withAgreement],
    ['Upshift, that and fitted to the other half', calibrated],
  ];
  const rows = [
    ...Object.entries(report.alone).map(([model, score]) => row(`all ${model}`, score)),
    ...variants.map(([name, { upshift }]) => row(name, upshift)),
    row('perfect chooser', report.perfect),
  ];
  const lines = [
    `${report.completed} of ${report.questions} questions completed in ${report.seconds} s`,
    '',
    ...table(['', 'right', 'cost USD'], rows),
    '',
    ...variants.flatMap(([name, variant]) => [`${name}:`, ...storyOf(variant)]),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function storyOf({ as_right_by_lot_usd: byLot, answered, escalations, scorer }: Report): string[] {
  const tiers = Object.entries(answered).map(([tier, count]) => `${tier} ${count}`);
  return [
    byLot === null
      ? '  More right than any single model.'
      : `  As right by giving each question to one of two models by lot: ${byLot.toFixed(6)} USD.`,
    `  Answered by tier: ${tiers.join(', ')}; ${escalations} escalations.`,
    `  The scorer let ${scorer.accepted_wrong} wrong answers through and escalated ${scorer.escalated_right} right ones.`,
  ];
}
