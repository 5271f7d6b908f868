import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { defaultDirectory, hasData } from './data-directory.ts';
import { weightsFile, weightsText } from './train-scorer.ts';

test.skipIf(!hasData())(
  'training from the recorded answers gives the shipped weights, byte for byte',
  { timeout: 120_000 },
  () => {
    expect(weightsText(defaultDirectory)).toBe(readFileSync(weightsFile, 'utf8'));
  },
);
