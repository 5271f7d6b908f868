import { crashesOf, precautionFor } from '@upshift/routing';
import { expect, test } from 'vitest';

import { acceptedJob, after, classified, exampleConfig, factsOf, failed, sent } from './example.ts';

const facts = factsOf(exampleConfig());

test('crashes within a call stand in the ledger, others in the stalls of the entry', () => {
  const fresh = acceptedJob(facts.config);
  const { job } = after(fresh, facts, classified(0.1), sent(1), failed(1, 'outcome_unknown', { maybeBilled: true }));
  expect(crashesOf(fresh, 0)).toBe(0);
  expect(crashesOf(job, 0)).toBe(1);
  expect(crashesOf(job, 2)).toBe(3);
});

test('other failures of calls are no crashes', () => {
  const { job } = after(acceptedJob(facts.config), facts, classified(0.1), sent(1), failed(1, 'provider_error'));
  expect(crashesOf(job, 0)).toBe(0);
});

test('after two crashes a job runs alone, and only a crash while it was alone is held against it', () => {
  expect(precautionFor(1, null)).toBe('none');
  expect(precautionFor(2, null)).toBe('alone');
  expect(precautionFor(9, null)).toBe('alone');
  expect(precautionFor(2, 2)).toBe('alone');
  expect(precautionFor(3, 2)).toBe('quarantine');
});
