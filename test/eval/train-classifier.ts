import { writeFileSync } from 'node:fs';

import { defaultDirectory, hasData } from './data-directory.ts';
import { readGainRows } from './classifier-rows.ts';
import { fitClassifier } from './fit-classifier.ts';

/** Where the weights of the product stand. */
export const classifierFile = new URL('../../packages/routing/src/classifier/weights.json', import.meta.url);

/** The file's text: the same data gives the same bytes. */
export function classifierText(directory: string, progress?: (done: number) => void): string {
  return `${JSON.stringify(fitClassifier(readGainRows(directory), progress))}\n`;
}

if (import.meta.main) {
  const directory = process.argv[2] ?? defaultDirectory;
  if (!hasData(directory)) {
    process.stderr.write(`There are no recorded answers in ${directory}; name their folder:  npm run train:classifier -- DIR\n`);
    process.exit(2);
  }
  const text = classifierText(directory, (done) => process.stderr.write(`\rtraining ${Math.round(done * 100)} %`));
  writeFileSync(classifierFile, text);
  process.stderr.write(`\nwrote ${classifierFile.pathname} (${Math.round(text.length / 1000)} kB)\n`);
}
