import { writeFileSync } from 'node:fs';

import { fitClassifier, fitScorer } from '@upshift/routing';

import { readTrainingAnswers } from '../../services/cli/src/eval/answer-rows.ts';
import { defaultDirectory, hasData } from '../../services/cli/src/eval/data-directory.ts';
import { readGainRows } from '../../services/cli/src/eval/gain-rows.ts';

type Progress = (done: number) => void;

/** The weights that ship: where they stand, and how their text is made. The same data gives the same bytes. */
export const shippedFiles = {
  classifier: {
    file: new URL('../../packages/routing/src/classifier/weights.json', import.meta.url),
    textOf: (directory: string, progress?: Progress) => textOf(fitClassifier(readGainRows(directory), progress)),
  },
  scorer: {
    file: new URL('../../packages/routing/src/scorer/weights.json', import.meta.url),
    textOf: (directory: string, progress?: Progress) => textOf(fitScorer(readTrainingAnswers(directory), progress)),
  },
};

function textOf(weights: object): string {
  return `${JSON.stringify(weights)}\n`;
}

/** `npm run train:weights`: makes both anew. */
function main(directory: string): void {
  if (!hasData(directory)) {
    process.stderr.write(`There are no recorded answers in ${directory}; name their folder:  npm run train:weights -- DIR\n`);
    process.exit(2);
  }
  for (const [name, { file, textOf: make }] of Object.entries(shippedFiles)) {
    const text = make(directory, (done) => process.stderr.write(`\r${name}: ${Math.round(done * 100)} %`));
    writeFileSync(file, text);
    process.stderr.write(`\nwrote ${file.pathname} (${Math.round(text.length / 1000)} kB)\n`);
  }
}

if (import.meta.main) main(process.argv[2] ?? defaultDirectory);
