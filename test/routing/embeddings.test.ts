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
  NOON,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);
const alone = { ...facts, health: { providersOff: { ollama: 'no key' }, circuitsOpen: {} } };
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
    const gone = (attempt: number) => [sent(attempt), failed(attempt, 'model_not_found')];
    const ended = after(embedding, facts, classified(0.1), ...gone(1), ...gone(2));
    expect(modelsOf(ended)).toEqual([EMBEDDER, EMBEDDER_TWIN]);
    expect(ended.job.status).toBe('failed');
    expect(modelsOf(after(embedding, alone, classified(0.1), ...gone(1)))).toEqual([EMBEDDER]);
  });
  test('of the account goes to an equivalent; where none is left it waits until the denial lapses, three times', () => {
    const denied = (attempt: number) => [sent(attempt), failed(attempt, 'provider_denied')];
    expect(modelsOf(after(embedding, facts, classified(0.1), ...denied(1)))).toEqual([EMBEDDER, EMBEDDER_TWIN]);
    const waiting = after(embedding, alone, classified(0.1), ...denied(1));
    expect(waiting.job).toMatchObject({ status: 'in_progress', attempts: [{ model: EMBEDDER, state: 'claimed', waits: 1 }] });
    expect(waiting.commands.at(-1)).toMatchObject({ type: 'enqueue', delayMs: 60_000 });
    const given = after(waiting.job, alone, ...denied(1), ...denied(1), ...denied(1));
    expect(given.job).toMatchObject({ status: 'failed', attempts: [{ errorCode: 'provider_denied' }] });
  });
  test('of the account does not move new jobs to another vector space', () => {
    const health = { providersOff: { openai: 'denied' }, providersDenied: { openai: NOON + 60_000 }, circuitsOpen: {} };
    expect(modelsOf(after(embedding, { ...facts, health }, classified(0.1)))).toEqual([EMBEDDER]);
  });
});
