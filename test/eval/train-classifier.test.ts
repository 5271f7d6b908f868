import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { defaultDirectory, hasData } from './data-directory.ts';
import { classifierFile, classifierText } from './train-classifier.ts';

test.skipIf(!hasData())(
  'training from prompts and correctness gives the shipped weights, byte for byte, in at most 256 kB',
  { timeout: 120_000 },
  () => {
    const text = classifierText(defaultDirectory);
    expect(text).toBe(readFileSync(classifierFile, 'utf8'));
    expect(text.length).toBeLessThanOrEqual(256_000);
  },
);
