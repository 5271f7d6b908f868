import { estimateCost, nanoUsdToUsd } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  factsOf,
  failed,
  HIGH,
  judged,
  LOW,
  LOW_TWIN,
  NOON,
  question,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig((file) => (file.routes['chat']!['fallback'] = [HIGH, LOW_TWIN]));
const facts = factsOf(config);
const uncapped = acceptedJob(config);
const mayCost = (id: string): number => estimateCost(uncapped.needs, config.models[id]!, NOON)!;
const jobWithin = (nanoUsd: number, route = 'default') => {
  const limits = { cost_usd: nanoUsdToUsd(nanoUsd) };
  return acceptedJob(config, requestOf({ input: question.input, route, limits }));
};
const modelsOf = ({ job }: ReturnType<typeof after>): string[] => job.attempts.map(({ model }) => model);

test('a cap counts what the route adds to a call: its prompt, and the bound on the answer that is sent', () => {
  const under = (route: object) => factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, route)));
  const cap = (usd: number) => acceptedJob(config, requestOf({ input: question.input, limits: { cost_usd: usd } }));
  const short = under({ parameters: { max_output_tokens: 100 } });
  // 100 tokens of an answer at 5 USD per million; 4,096 would be 0.02 USD.
  expect(after(cap(0.001), short, classified(0.1)).job.attempts).toMatchObject([{ model: LOW, reservedNanoUsd: 506_000 }]);
  const long = under({ parameters: { max_output_tokens: 8000 } });
  expect(after(cap(0.03), long, classified(0.1)).job).toMatchObject({ status: 'failed', attempts: [] });
  const wordy = under({ system_prompt: 'x'.repeat(40_000) });
  expect(after(uncapped, wordy, classified(0.1)).job.attempts[0]!.reservedNanoUsd).toBe(mayCost(LOW) + 10_000_000);
  const vectors = acceptedJob(config, requestOf({ input: { texts: ['four letters'] } }));
  expect(after(vectors, wordy, classified(0.1)).job.attempts[0]!.reservedNanoUsd).toBe(3000);
});

describe('where the next model may cost more than is left', () => {
  test('a cheaper one of its tier is asked, and the trail says why', () => {
    const ended = after(jobWithin(mayCost(LOW)), facts, classified(0.1, 'translation'));
    expect(modelsOf(ended)).toEqual([LOW]);
    expect(ended.trail.at(-1)?.reason).toContain(`${LOW_TWIN} may cost too much`);
    expect(modelsOf(after(uncapped, facts, classified(0.1, 'translation')))).toEqual([LOW_TWIN]);
  });
  test('a cheaper one of the fallback chain is asked', () => {
    const job = jobWithin(mayCost(LOW_TWIN) + 2_000_000, 'chat');
    expect(modelsOf(after(job, facts, classified(0.1), sent(1), answered(1), judged(1, 0.1, false)))).toEqual([LOW, LOW_TWIN]);
  });
  test('a cheaper one is asked in place of one whose call was lost, which may have been paid for', () => {
    const lost = [sent(1), failed(1, 'outcome_unknown', { maybeBilled: true, retryable: true })];
    const first = jobWithin(mayCost(LOW_TWIN) + mayCost(LOW));
    expect(modelsOf(after(first, facts, classified(0.1, 'translation'), ...lost))).toEqual([LOW_TWIN, LOW]);
    const both = jobWithin(2 * mayCost(LOW_TWIN));
    expect(modelsOf(after(both, facts, classified(0.1, 'translation'), ...lost))).toEqual([LOW_TWIN, LOW_TWIN]);
  });
  test('a cheaper one of those that a refusal leaves is asked', () => {
    const under = factsOf(exampleConfig((file) => Object.assign(file.routes['default']!, { on_refusal: [HIGH, LOW_TWIN] })));
    const refused = [classified(0.1), sent(1), answered(1, { finishReason: 'refusal' })];
    expect(modelsOf(after(jobWithin(mayCost(LOW_TWIN) + mayCost(LOW)), under, ...refused))).toEqual([LOW, LOW_TWIN]);
    expect(modelsOf(after(uncapped, under, ...refused))).toEqual([LOW, HIGH]);
  });
  test('the chain ends when no other is left, and the trail names the cap', () => {
    const { job, trail } = after(jobWithin(mayCost(LOW)), facts, classified(0.1), sent(1), failed(1, 'overloaded'));
    expect(job).toMatchObject({ status: 'failed', attempts: [{ model: LOW }] });
    expect(trail).toContainEqual(expect.objectContaining({ event: 'budget-denied', model: LOW_TWIN }));
  });
});
