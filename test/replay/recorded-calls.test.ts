import { judgeMessages } from '@upshift/routing';
import { expect, test } from 'vitest';

import { createCallIndex } from '../../services/cli/src/replay/recorded-calls.ts';
import type { RecordedCall } from '../../services/cli/src/replay/recorded-calls.ts';
import { exampleAttempt, exampleRecording, HIGH, LOW } from './example-recording.ts';

function answersOf(calls: RecordedCall[]): Record<string, unknown[]> {
  return Object.fromEntries(
    calls.map(({ model, outcomes }) => [model, outcomes.map((one) => ('answer' in one ? one.answer.text : one.failure))]),
  );
}

const saying = (text: string) => ({ answer: { text, tool_calls: [], finish_reason: 'stop' as const } });

test('a job has its own answers, and those of models that were asked the same by another', () => {
  const own = exampleRecording('job_1');
  const other = exampleRecording('job_2', {
    attempts: [exampleAttempt(saying('grey')), exampleAttempt({ attempt: 2, model: HIGH, ...saying('azure') })],
  });
  const callsOf = createCallIndex([own, other]);
  expect(answersOf(callsOf(own))).toEqual({ [LOW]: ['blue'], [HIGH]: ['azure'] });
  expect(answersOf(callsOf(other))).toEqual({ [LOW]: ['grey'], [HIGH]: ['azure'] });
});

test('redacted jobs share nothing: what they asked may have been another thing', () => {
  const callsOf = createCallIndex([
    exampleRecording('job_1', { redactions: 1 }),
    exampleRecording('job_2', { redactions: 1, attempts: [exampleAttempt({ model: HIGH })] }),
  ]);
  expect(answersOf(callsOf(exampleRecording('job_1', { redactions: 1 })))).toEqual({ [LOW]: ['blue'] });
});

test('a model that was asked twice answers in order; a refused input is refused again; what failed otherwise has no answer', () => {
  const failed = { outcome: 'failed' as const, answer: null, usage: null };
  const attempts = [
    exampleAttempt({ ...failed, error: 'overloaded' }),
    exampleAttempt({ attempt: 2, ...saying('first') }),
    exampleAttempt({ attempt: 3, ...saying('second') }),
    exampleAttempt({ attempt: 4, model: HIGH, ...failed, error: 'timeout' }),
    exampleAttempt({ attempt: 5, model: 'ollama/long', ...failed, error: 'context_too_long' }),
    exampleAttempt({ attempt: 6, model: 'ollama/uncounted', usage: null }),
  ];
  const recording = exampleRecording('job_1', { attempts });
  expect(answersOf(createCallIndex([])(recording))).toEqual({ [LOW]: ['first', 'second'], 'ollama/long': [413] });
});

test('a judge is known by its whole question', () => {
  const judge = exampleAttempt({
    attempt: 2,
    purpose: 'judge',
    judges: { attempt: 1, rubric: 'Right?' },
    ...saying('{"score":1}'),
  });
  const calls = createCallIndex([])(exampleRecording('job_1', { attempts: [exampleAttempt(), judge] }));
  const [, question] = judgeMessages({ rubric: 'Right?', prompt: 'What colour?', answer: 'blue' });
  expect(calls.map(({ text }) => text)).toEqual(['What colour?', question!.content]);
});
