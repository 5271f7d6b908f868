import { parseArgs } from 'node:util';

import { CommandError } from '../../services/cli/src/exit-code.ts';
import { table } from '../../services/cli/src/table.ts';
import { recordedModels, readQuestions } from './gsm8k.ts';
import { replay } from './replay.ts';
import type { Report, Score } from './report.ts';

const usage = `Replays real models' recorded answers to GSM8K through the whole running system.

  npm run replay -- --data DIR [--questions N] [--json]

  --data DIR      the folder with zeroeval_gsm_*.jsonl.gz
  --questions N   the first N questions only
  --json          the report as JSON on the last line of stdout

Exit code 0 where every question was answered by a recorded answer, else 1; 2 for bad arguments.
`;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    questions: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.code);
}

async function main(): Promise<number> {
  const limit = values.questions === undefined ? Infinity : Number(values.questions);
  if (values.help || values.data === undefined || !(limit >= 1)) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  const questions = readQuestions(values.data).slice(0, limit);
  process.stderr.write(`${questions.length} questions that all of ${recordedModels.length} models have answered.\n`);
  const report = await replay(questions);
  (values.json ? process.stderr : process.stdout).write(textOf(report));
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.completed === report.questions && report.not_recorded === 0 ? 0 : 1;
}

function textOf(report: Report): string {
  const row = (name: string, { right, cost_usd: cost }: Score): string[] => [
    name,
    `${(right * 100).toFixed(1)} %`,
    cost.toFixed(6),
  ];
  const rows = [
    ...Object.entries(report.alone).map(([model, score]) => row(`all ${model}`, score)),
    row('Upshift', report.upshift),
    row('perfect chooser', report.perfect),
  ];
  const answered = Object.entries(report.answered).map(([tier, count]) => `${tier} ${count}`);
  const lines = [
    `${report.completed} of ${report.questions} questions completed in ${report.seconds} s`,
    '',
    ...table(['', 'right', 'cost USD'], rows),
    '',
    ...(report.as_right_by_lot_usd === null
      ? []
      : [`As right by giving each question to one of two models by lot: ${report.as_right_by_lot_usd.toFixed(6)} USD.`]),
    `Answered by tier: ${answered.join(', ')}; ${report.escalations} escalations.`,
    `The scorer let ${report.scorer.accepted_wrong} wrong answers through and escalated ${report.scorer.escalated_right} right ones.`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
