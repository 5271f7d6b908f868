import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { CommandError, exitCode } from '../exit-code.ts';
import { say, show } from '../print.ts';
import { writeWhole } from '../write-file.ts';
import { readTrainingAnswers } from './answer-rows.ts';
import { evaluate } from './evaluate.ts';
import { readGainRows } from './gain-rows.ts';
import { htmlOf } from './report-html.ts';
import { readPairs } from './pairs.ts';
import { textOf } from './report-text.ts';
import { shippedForAll, unseenWeights } from './unseen-weights.ts';

export interface EvalOptions {
  /** The folder with the recorded answers. */
  data: string;
  /** Only pairs whose name contains this. */
  only?: string;
  /** Where `report.html` and `report.json` go. */
  out: string;
  weights: 'cross-fitted' | 'shipped';
  json: boolean;
}

/** `upshift eval`: how well the classifier and the scorer do on recorded answers. Returns the exit code. */
export function evalCommand({ data, only = '', out, weights, json }: EvalOptions): number {
  const found = readPairs(data, (reason) => say(`left out: ${reason}`));
  if (found.length === 0)
    throw new CommandError(`There are no recorded answers in ${data}; --data names the folder that has them.`, exitCode.refused);
  const pairs = found.filter(({ name, weakModel, strongModel }) => `${name} ${weakModel} ${strongModel}`.includes(only));
  if (pairs.length === 0) throw new CommandError(`--only ${only}: no pair has that in its name.`, exitCode.refused);
  const used =
    weights === 'shipped'
      ? shippedForAll
      : unseenWeights(readTrainingAnswers(data), readGainRows(data), (done) =>
          sayDone(done, 'training, each time without a fifth'),
        );
  const evaluation = evaluate(pairs, used, weights, sayDone);
  mkdirSync(out, { recursive: true });
  writeWhole(join(out, 'report.json'), `${JSON.stringify(evaluation, null, 1)}\n`);
  writeWhole(join(out, 'report.html'), htmlOf(evaluation));
  show(json, evaluation, textOf(evaluation));
  say(`wrote ${join(out, 'report.html')} and report.json`);
  return exitCode.ok;
}

function sayDone(done: number, what: string): void {
  say(`${Math.round(100 * done)} % ${what}`);
}
