import { foldOf } from '@upshift/routing';
import { expect, test } from 'vitest';

import { defaultDirectory, hasData } from '../../services/cli/src/eval/data-directory.ts';
import { readGainRows } from '../../services/cli/src/eval/gain-rows.ts';

/** So many words at the beginning of a prompt are a question's own, but for the few that share a passage to be read. */
const TELLING_WORDS = 25;

test.skipIf(!hasData())('what the classifier learns of a question stands under ids of one fold, whatever set it is from', () => {
  const rows = readGainRows(defaultDirectory)
    .map(({ id, features }) => ({ id, words: features.reading.tokens }))
    .filter(({ words }) => words.length >= TELLING_WORDS);
  const questions = Map.groupBy(rows, ({ words }) => words.slice(0, TELLING_WORDS).join(' '));
  const tornApart = [...questions.values()].filter((same) => new Set(same.map(({ id }) => foldOf(id))).size > 1);
  expect(questions.size).toBeGreaterThan(1000);
  expect(tornApart.length / questions.size).toBeLessThan(0.02);
});
