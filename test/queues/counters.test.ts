import type { JobEvent, JobState } from '@upshift/contracts';
import { decide } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { countersOf } from '../../packages/queues/src/counters.ts';
import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  factsOf,
  failed,
  judged,
  LOW,
  requestOf,
  sent,
  verdictAt,
} from '../routing/example.ts';

const config = exampleConfig();
const facts = factsOf(config);

/** The sums of what each event adds to the minute, but for the savings of the route. */
function counted(job: JobState, ...events: JobEvent[]): Record<string, number> {
  const sums: Record<string, number> = {};
  let before = job;
  for (const event of events) {
    const decision = decide(before, event.type === 'sent' ? { ...event, epoch: before.epoch } : event, facts);
    for (const [name, amount] of countersOf(before, decision, config))
      if (!name.startsWith('saved:')) sums[name] = (sums[name] ?? 0) + amount;
    before = decision.job;
  }
  return sums;
}

const fresh = acceptedJob(config);
const firstAnswer = [classified(0.1), sent(1), answered(1)];
/** 1,000 tokens in and 100 out of the first model of the economy and the standard tier, and of the premium tier’s, which might have had all. */
const [economy, standard, premium] = [1_500_000, 15_000_000, 60_000_000];

describe('what happened in a minute', () => {
  test.each<[string, JobEvent[], Record<string, number>]>([
    [
      'an accepted answer',
      [...firstAnswer, judged(1, 0.9)],
      { cost: economy, 'ended:completed': 1, 'answered:economy': 1, alone: premium },
    ],
    [
      'an escalation',
      [...firstAnswer, judged(1, 0.1), sent(2), answered(2), judged(2, 0.9)],
      {
        cost: economy + standard,
        'ended:completed': 1,
        'answered:standard': 1,
        alone: premium,
      },
    ],
    [
      'failed calls',
      [classified(0.1), sent(1), failed(1, 'overloaded'), sent(2), failed(2, 'invalid_request')],
      { 'ended:failed': 1 },
    ],
    [
      'a degraded end',
      [classified(0.9), sent(1), answered(1), judged(1, 0.2, false), sent(2), failed(2, 'invalid_request')],
      {
        cost: premium,
        'ended:completed': 1,
        'answered:premium': 1,
        alone: premium,
      },
    ],
    ['a cancellation', [{ type: 'cancelled' }], { 'ended:cancelled': 1 }],
  ])('counts %s', (_what, events, sums) => {
    expect(counted(fresh, ...events)).toEqual(sums);
  });

  test('counts what is settled after the end, and not the end once more', () => {
    expect(counted(fresh, classified(0.1), sent(1), { type: 'cancelled' }, answered(1))).toEqual({
      'ended:cancelled': 1,
      cost: economy,
    });
  });

  test('counts an end that a late verdict takes back, be it degraded, once', () => {
    const pinned = acceptedJob(config, requestOf({ input: { prompt: 'x' }, model: LOW }));
    const late: JobEvent = { type: 'verdict-arrived-late', revision: 1, verdict: verdictAt(0, false) };
    expect(counted(pinned, ...firstAnswer, judged(1, 0.9), late)).toEqual({
      cost: economy,
      'ended:completed': 1,
      'answered:economy': 1,
      alone: premium,
    });
  });

  test('counts the savings of a route under its name', () => {
    const { job } = after(fresh, facts, ...firstAnswer);
    const counters = countersOf(job, decide(job, judged(1, 0.9), facts), config);
    expect(counters).toContainEqual(['saved:default:jobs', 1]);
    expect(counters).toContainEqual(['saved:default:perfect', economy]);
  });

  test('counts of a shadow, which nobody sent, the calls alone', () => {
    const shadow = { ...fresh, experiments: { arms: [], shadowOf: 'job_0b', discardedAttempts: 0 } as never };
    expect(counted(shadow, ...firstAnswer, judged(1, 0.9))).toEqual({ cost: economy });
  });
});
