import { writeFileSync } from 'node:fs';

import { defaultDirectory, hasData } from './data-directory.ts';
import { fitScorer } from './fit-scorer.ts';
import { readTrainingAnswers } from './scorer-rows.ts';

/** Where the weights of the product stand. */
export const weightsFile = new URL('../../packages/routing/src/scorer/weights.json', import.meta.url);

/** The file's text: the same answers give the same bytes. */
export function weightsText(directory: string, progress?: (done: number) => void): string {
  return `${JSON.stringify(fitScorer(readTrainingAnswers(directory), progress))}\n`;
}

if (import.meta.main) {
  const directory = process.argv[2] ?? defaultDirectory;
  if (!hasData(directory)) {
    process.stderr.write(`There are no recorded answers in ${directory}; name their folder:  npm run train:scorer -- DIR\n`);
    process.exit(2);
  }
  const text = weightsText(directory, (done) => process.stderr.write(`\rtraining ${Math.round(done * 100)} %`));
  writeFileSync(weightsFile, text);
  process.stderr.write(`\nwrote ${weightsFile.pathname} (${Math.round(text.length / 1000)} kB)\n`);
}
