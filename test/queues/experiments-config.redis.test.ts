import { accept, advance, commandExperimentByName, evaluateExperiments } from '@upshift/queues';
import { beforeEach, expect, test } from 'vitest';

import { exampleConfig, LOW_TWIN } from '../routing/example.ts';
import { anotherPipeline } from './bed.ts';
import { documentOf, freshWithTrial, overrides, recordOf, request, start } from './experiments-setting.ts';
import { stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshWithTrial();
});

test('a promoted arm that the configuration no longer allows is given to no job, and its experiment ends', async () => {
  const overrides = { checks: [{ type: 'agreement', models: [LOW_TWIN] }] };
  const arms = [
    { name: 'plain', share: 0.5 },
    { name: 'agreeing', share: 0.5, overrides },
  ];
  await start(pipeline, documentOf({ kind: 'ab', name: 'checks', arms }));
  await commandExperimentByName(pipeline, 'checks', 'promote', 'agreeing');
  const changed = await anotherPipeline(
    exampleConfig((file) => {
      delete file.models[LOW_TWIN];
      file.rules = {};
    }),
  );
  const { id } = await accept(changed, request, null);
  await advance(changed, id, { type: 'cancelled' });
  expect(await stateOf(changed, id)).toMatchObject({ status: 'cancelled', experiments: null });
  await evaluateExperiments(changed);
  const { state } = await recordOf(changed, 'checks');
  expect(state.status).toBe('ended');
  expect(state.reason).toMatch(/^the configuration has changed: arms\[1\]\.overrides: .*no model/);
});

test('a process with another configuration gives jobs no arm, whatever the steward knows of it', async () => {
  const arms = [
    { name: 'plain', share: 0.5 },
    { name: 'candidate', share: 0.5, overrides },
  ];
  await start(pipeline, documentOf({ kind: 'ab', name: 'models', arms }));
  const other = await anotherPipeline(
    exampleConfig((file) => {
      file.routes['default']!['deadline_s'] = 600;
    }),
  );
  const { id } = await accept(other, request, null);
  expect(await stateOf(other, id)).toMatchObject({ experiments: null, configVersion: other.configVersion });
});
