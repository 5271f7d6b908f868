import { accept, advance, evaluateExperiments } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { answered, judged, sent } from '../routing/example.ts';
import { carry, documentOf, freshWithTrial, overrides, request, start } from './experiments-setting.ts';
import { simple, stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = await freshWithTrial();
  // It stands still: a slow machine makes no answer older.
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => void vi.useRealTimers());

/** Has a new job of an arm answered. */
async function answeredBy(arm: string): Promise<string> {
  for (;;) {
    const { id, state } = await accept(pipeline, request, null);
    const isOfArm = state?.experiments?.arms[0]?.arm === arm;
    await (isOfArm
      ? carry(pipeline, id, simple, sent(1), answered(1), judged(1, 1))
      : advance(pipeline, id, { type: 'cancelled' }));
    if (isOfArm) return id;
  }
}

function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

test('an answer that was held so shortly before its step passed that it may not have counted waits for the next decision', async () => {
  const arms = [{ name: 'stable' }, { name: 'canary', overrides }];
  const guardrails = [{ metric: 'pass_rate', absolute: 0.02 }];
  const rest = { steps: [50, 80, 100], min_samples: 1, min_seconds: 0, hold: true, webhook: 'watcher' };
  await start(pipeline, documentOf({ kind: 'canary', name: 'new-model', arms, guardrails, ...rest }));
  for (let count = 0; count < 3; count += 1) await answeredBy('stable');
  const early = await answeredBy('canary');
  pass(5000);
  const late = await answeredBy('canary');
  pass(900);
  await evaluateExperiments(pipeline);
  expect((await stateOf(pipeline, early)).status).toBe('completed');
  expect((await stateOf(pipeline, late)).experiments?.held).not.toBeNull();
});
