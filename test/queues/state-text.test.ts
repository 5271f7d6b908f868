import { expect, test } from 'vitest';

import { parseState, stateText } from '../../packages/queues/src/state-text.ts';
import { acceptedJob, after, answered, classified, exampleConfig, factsOf, failed, judged, sent } from '../routing/example.ts';

const config = exampleConfig();
const events = [classified(0.1, 'translation'), sent(1), failed(1, 'overloaded'), sent(2), answered(2), judged(2, 0.4)];
const { job } = after(acceptedJob(config), factsOf(config), ...events);

test('a state is read as it was written', () => {
  expect(job.attempts.length).toBeGreaterThan(1);
  expect(parseState(stateText(job))).toEqual(job);
});

test('a field that a record does not have yet is null', () => {
  const values = JSON.parse(stateText(job)) as unknown[];
  expect(parseState(JSON.stringify(values.slice(0, -2)))).toEqual({ ...job, epoch: null, experiments: null });
});

test('a record from before there was an order is read', () => {
  expect(parseState(JSON.stringify(job))).toEqual(job);
});
