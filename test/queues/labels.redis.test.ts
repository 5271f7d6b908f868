import { forgetLabels } from '@upshift/queues';
import { expect, test } from 'vitest';

import { exampleConfig } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { labelsIn } from './setting.ts';

const HOUR_MS = 3_600_000;

test.each([
  ['an hour, which is no whole number of ms as a part of a day', 0.041_667, 1],
  ['longer than clocks count', 36_500, 2],
])('labels are kept for %s', async (_what, labelsDays, left) => {
  const config = exampleConfig((file) => Object.assign(file, { learning: { labels_days: labelsDays } }));
  const pipeline = await freshPipeline(config);
  for (const ago of [2 * HOUR_MS, HOUR_MS / 2]) await pipeline.redis.xadd(pipeline.keys.labels, Date.now() - ago, 'label', '{}');
  await forgetLabels(pipeline);
  expect(await labelsIn(pipeline)).toHaveLength(left);
});
