import { savingsOf } from '@upshift/routing';
import type { RouteCounters } from '@upshift/routing';
import { expect, test } from 'vitest';

import { savingsText } from '../../services/cli/src/commands/savings.ts';
import { exampleConfig, LOW, MIDDLE } from '../routing/example.ts';

const days = { from: '2026-11-22', to: '2026-11-23' };

function lastLines(counters: RouteCounters): string[] {
  return savingsText(savingsOf(counters, exampleConfig(), days))
    .split('\n')
    .slice(6);
}

test('why a model is not named is told: one has no cost, of the other too little is known', () => {
  const counters = { jobs: 2, good: 2, cost: 3, [`answers:${LOW} ${MIDDLE}`]: 2 };
  expect(lastLines({ default: counters })).toEqual([
    `all economy: ${LOW}`,
    'best single: no model is known to pass as often',
    'all premium: its cost is not known of all these answers',
  ]);
});

test('where no job has ended nothing is said of models', () => {
  expect(savingsText(savingsOf({}, exampleConfig(), days))).toMatch(/\n\nNo job has ended in these days\.$/);
});
