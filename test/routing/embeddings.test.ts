import { describe, expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  classified,
  EMBEDDER,
  EMBEDDER_TWIN,
  exampleConfig,
  factsOf,
  failed,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const modelsOf = ({ job }: ReturnType<typeof after>): string[] => job.attempts.map(({ model }) => model);
const embedding = acceptedJob(config, requestOf({ input: { texts: ['x'] } }));

describe('a failed call of an embedding', () => {
  test('stays in its vector space', () => {
    const again = (attempt: number) => [sent(attempt), failed(attempt, 'overloaded', { retryable: true })];
    const ended = after(embedding, facts, classified(0.1), ...[1, 2, 3, 4, 5, 6, 7, 8].flatMap(again));
    expect(new Set(modelsOf(ended)).size).toBe(2);
    expect(modelsOf(ended).every((model) => [EMBEDDER, EMBEDDER_TWIN].includes(model))).toBe(true);
    expect(ended.job.status).toBe('failed');
  });
  test('that no repetition mends goes to an equivalent at once, where there is one that can be called', () => {
    const denied = (attempt: number) => [sent(attempt), failed(attempt, 'provider_denied')];
    const ended = after(embedding, facts, classified(0.1), ...denied(1), ...denied(2));
    expect(modelsOf(ended)).toEqual([EMBEDDER, EMBEDDER_TWIN]);
    expect(ended.job.status).toBe('failed');
    const alone = { ...facts, health: { providersOff: { ollama: 'no key' }, circuitsOpen: {} } };
    expect(modelsOf(after(embedding, alone, classified(0.1), ...denied(1)))).toEqual([EMBEDDER]);
  });
  test('of the account does not move new jobs to another vector space', () => {
    const health = { providersOff: { openai: 'denied' }, providersDenied: ['openai'], circuitsOpen: {} };
    expect(modelsOf(after(embedding, { ...facts, health }, classified(0.1)))).toEqual([EMBEDDER]);
  });
});
