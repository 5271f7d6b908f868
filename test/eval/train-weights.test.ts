import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { defaultDirectory, hasData } from '../../services/cli/src/eval/data-directory.ts';
import { shippedFiles } from './train-weights.ts';

const MOST_BYTES = 256_000;

for (const [name, { file, textOf }] of Object.entries(shippedFiles))
  test.skipIf(!hasData())(
    `training the ${name} from the recorded answers gives the shipped weights, byte for byte, in at most 256 kB`,
    { timeout: 120_000 },
    () => {
      const text = textOf(defaultDirectory);
      expect(text).toBe(readFileSync(file, 'utf8'));
      expect(text.length).toBeLessThanOrEqual(MOST_BYTES);
    },
  );
