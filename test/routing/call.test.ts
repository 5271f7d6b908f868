import type { JobEvent } from '@upshift/contracts';
import { callOf, checksOf } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { acceptedJob, after, answered, answerOf, classified, exampleConfig, factsOf, NOON, requestOf, sent } from './example.ts';

const config = exampleConfig((file) => {
  file.classifier['llm'] = { models: ['openai/low'], timeout_s: 3 };
  Object.assign(file.routes['default']!, { system_prompt: 'You are a pirate.', parameters: { temperature: 0.5 } });
});
const facts = factsOf(config);
const request = requestOf({
  input: { prompt: 'Why is the sky blue?' },
  checks: [{ type: 'json' }, { type: 'llm_judge', rubric: 'Is it true?' }],
});
const fresh = acceptedJob(config, request);
const textOf = (value: unknown): string => JSON.stringify(value);

describe('the question to a judge', () => {
  const check = checksOf(request, config, 'default').findIndex(({ type }) => type === 'llm_judge');
  const judging: JobEvent = { type: 'judge-requested', attempt: 1, check };
  const { job } = after(fresh, facts, classified(0.1), sent(1), answered(1), judging);
  const judge = job.attempts[1]!;

  test('holds the rubric, the prompt and the answer, and nothing of the route', () => {
    const call = callOf(job, judge, request, config, answerOf('Because of Rayleigh.'));
    for (const part of ['Is it true?', 'Why is the sky blue?', 'Because of Rayleigh.'])
      expect(textOf(call.input)).toContain(part);
    expect(textOf(call.input)).not.toContain('pirate');
    // The prompt's 6 tokens, the answer's 100, and 500 for the instructions.
    expect(call).toMatchObject({ inputTokens: 606, maxOutputTokens: 300, deadline: null, drop: [] });
  });
  test('holds the other answer where it compares', () => {
    const call = callOf(job, judge, request, config, answerOf('Because of Rayleigh.'), answerOf('It is not.'));
    expect(textOf(call.input)).toContain('It is not.');
    expect(textOf(call.input)).toContain('You compare two answers.');
  });
  test('is not asked without an answer, or by a check that is no judge', () => {
    expect(() => callOf(job, judge, request, config, null)).toThrow(`no answer to judge by check ${check}`);
    const other = { ...judge, judges: { attempt: 1, check: 0 } };
    expect(() => callOf(job, other, request, config, answerOf('x'))).toThrow('no answer to judge by check 0');
  });
});

test('a model that classifies is shown the prompt, and has its time from when it was claimed', () => {
  const { job } = after(fresh, facts, { type: 'classify-requested' });
  const call = callOf(job, job.attempts[0]!, request, config, null);
  expect(textOf(call.input)).toContain('Why is the sky blue?');
  expect(textOf(call.input)).not.toContain('pirate');
  expect(call).toMatchObject({ inputTokens: 306, maxOutputTokens: 300, deadline: NOON + 3000, drop: [] });
});

test('a call for an answer has what the route says, the limits of its model, and no haste', () => {
  const { job } = after(fresh, facts, classified(0.1));
  const call = callOf(job, job.attempts[0]!, request, config, null);
  expect(textOf(call.input)).toContain('You are a pirate.');
  const { call_timeout_s: timeout, idle_timeout_s: idle } = config.models['openai/low']!;
  expect(call).toMatchObject({
    deadline: null,
    drop: ['temperature'],
    contextWindow: 100_000,
    timeoutMs: timeout * 1000,
    idleTimeoutMs: idle * 1000,
  });
});
