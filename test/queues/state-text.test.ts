import { expect, test } from 'vitest';

import { parseState, stateText } from '../../packages/queues/src/state-text.ts';
import {
  acceptedJob,
  after,
  answered,
  classified,
  exampleConfig,
  factsOf,
  failed,
  judged,
  requestOf,
  sent,
} from '../routing/example.ts';

const config = exampleConfig();
const events = [classified(0.1, 'translation'), sent(1), failed(1, 'overloaded'), sent(2), answered(2), judged(2, 0.4)];
const { job } = after(acceptedJob(config), factsOf(config), ...events);

test('a state is read as it was written', () => {
  expect(job.attempts.length).toBeGreaterThan(1);
  expect(parseState(job.id, stateText(job))).toEqual(job);
});

test('a state in which nothing is usual is read as it was written', () => {
  const tools = [{ name: 'find', parameters: {} }];
  const input = { prompt: 'x', tools, tool_choice: 'required' as const, stop: ['.'], max_output_tokens: 9 };
  const limits = { cost_usd: 0.1, max_escalations: 2 };
  const told = acceptedJob(config, requestOf({ input, limits, require: ['stop'], priority: 'low', route: 'chat' }));
  expect(parseState(told.id, stateText(told))).toEqual(told);
});

test('what a new job has anyway is not written', () => {
  const text = stateText(acceptedJob(config));
  expect(text).not.toContain('queued');
  expect(text.length).toBeLessThan(120);
});

test('what records leave out keeps its meaning, because they may stand in Redis for months', () => {
  const text = '[143808,"c0",0.5,1000,[0],[24,8,9],[[33837,1,"economy","openai/low","claimed",7,1001]]]';
  expect(parseState('job_0', text)).toEqual({
    id: 'job_0',
    revision: 1,
    status: 'queued',
    route: 'default',
    task: null,
    pinnedModel: null,
    priority: 'normal',
    configVersion: 'c0',
    seed: 0.5,
    createdAt: 1000,
    startedAt: null,
    completedAt: null,
    deadline: null,
    limits: { costNanoUsd: null, maxEscalations: null },
    needs: { capabilities: [], sampling: [], inputTokens: 8, contextTokens: 9, maxOutputTokens: null },
    webhook: null,
    classification: null,
    tier: null,
    attempts: [
      {
        number: 1,
        purpose: 'answer',
        tier: 'economy',
        model: 'openai/low',
        lane: 'live',
        state: 'claimed',
        outcome: null,
        errorCode: null,
        usage: null,
        costNanoUsd: null,
        reservedNanoUsd: 7,
        score: null,
        passed: null,
        judges: null,
        waits: 0,
        claimedAt: 1001,
        sentAt: null,
        settledAt: null,
        schemaFailed: null,
      },
    ],
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    finalAttempt: null,
    degraded: false,
    reasons: [],
    step: null,
    epoch: 0,
    experiments: null,
    passedOver: 0,
    reopenedAt: null,
  });
});

test('who changes a state that was read changes no other one', () => {
  const read = () => parseState('job_0', stateText(acceptedJob(config)));
  read().reasons.push('no model can do it');
  expect(read().reasons).toEqual([]);
});

test('a field that a record does not have yet has its usual value', () => {
  const [there, ...values] = JSON.parse(stateText({ ...job, experiments: null })) as number[];
  const { epoch: _, ...older } = job;
  const epochBit = 1 << 25;
  expect(there! & epochBit).toBe(epochBit);
  expect(parseState(job.id, JSON.stringify([there! ^ epochBit, ...values.slice(0, -1)]))).toEqual({ ...older, epoch: 0 });
});

test('records from before the usual was left out, and from before there was an order, are read', () => {
  const { attempts, ...others } = job;
  const all = { ...others, attempts: attempts.map((attempt) => Object.values(attempt)) };
  const inOrder = Object.keys(acceptedJob(config)).map((name) => all[name as keyof typeof all]);
  expect(parseState(job.id, JSON.stringify(inOrder))).toEqual(job);
  expect(parseState(job.id, JSON.stringify(job))).toEqual(job);
});
