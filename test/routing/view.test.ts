import { viewOf } from '@upshift/routing';
import { expect, test } from 'vitest';

import {
  acceptedJob,
  after,
  answered,
  answerOf,
  classified,
  exampleConfig,
  factsOf,
  failed,
  judged,
  LOW,
  LOW_TWIN,
  NOON,
  question,
  requestOf,
  sent,
} from './example.ts';

const config = exampleConfig();
const at = (ms: number) => factsOf(config, { now: NOON + ms });

/** Called after 10 ms, answered after 30, accepted after 35. */
function endedJob(request = question) {
  const called = after(acceptedJob(config, request), at(10), classified(0.1), sent(1)).job;
  return after(after(called, at(30), answered(1)).job, at(35), judged(1, 0.9)).job;
}

test('a job that waits has no result and no end', () => {
  expect(viewOf(acceptedJob(config), question, null)).toMatchObject({
    status: 'queued',
    created_at: '2026-11-23T12:00:00.000Z',
    completed_at: null,
    result: null,
    usage: { input_tokens: 0, output_tokens: 0 },
    cost_usd: 0,
    cost_unknown: false,
    attempts: 0,
    timings_ms: { queued: null, model: 0, total: null },
  });
});

test('a job that has ended tells its answer, who gave it, what it took and for how long', () => {
  expect(viewOf(endedJob(), question, answerOf('Rayleigh.'))).toMatchObject({
    status: 'completed',
    completed_at: '2026-11-23T12:00:00.035Z',
    result: {
      text: 'Rayleigh.',
      json: null,
      model: LOW,
      provider: 'openai',
      tier: 'economy',
      score: 0.9,
      degraded: false,
      refusal: false,
    },
    usage: { input_tokens: 1000, output_tokens: 100 },
    cost_usd: 0.0015,
    timings_ms: { queued: 10, model: 20, total: 35 },
  });
});

test('usage, time and cost are those of all calls; a call that nobody has heard of again makes the cost unknown', () => {
  const called = after(acceptedJob(config), at(10), classified(0.1), sent(1)).job;
  const lost = after(called, at(30), failed(1, 'timeout', { maybeBilled: true }), sent(2)).job;
  const view = viewOf(after(lost, at(70), answered(2)).job, question, null);
  expect(view).toMatchObject({ attempts: 2, failovers: 1, cost_usd: 0.003, cost_unknown: true, timings_ms: { model: 60 } });
  expect(view.usage).toEqual({ input_tokens: 1000, output_tokens: 100 });
  expect(lost.attempts[1]!.model).toBe(LOW_TWIN);
});

test('JSON is read where it was asked for, and null where the answer has none', () => {
  const shown = (type: 'json_object' | 'text', text: string) => {
    const request = requestOf({ input: { prompt: 'x', response_format: { type } } });
    return viewOf(endedJob(request), request, answerOf(text)).result?.json;
  };
  expect(shown('json_object', '{"a": 1}')).toEqual({ a: 1 });
  expect(shown('json_object', 'none')).toBeNull();
  expect(shown('text', '{"a": 1}')).toBeNull();
});

test('a refusal is told as one', () => {
  const { job } = after(acceptedJob(config), at(0), classified(0.1), sent(1), answered(1, { finishReason: 'refusal' }));
  expect(viewOf(job, question, answerOf('No.')).result).toMatchObject({ text: 'No.', refusal: true, score: null });
});
