import { createHash } from 'node:crypto';

import { isEmbedding, promptOf, textOf } from '@upshift/contracts';
import type { JobRecording, RecordedAttempt } from '@upshift/contracts';
import { judgeMessages } from '@upshift/routing';

/** What a model is asked for a job, by the text of the last user message, and what it answers, in order. */
export interface RecordedCall {
  model: string;
  text: string;
  outcomes: RecordedOutcome[];
}

type Usage = NonNullable<RecordedAttempt['usage']>;
type Answer = {
  text: string;
  tool_calls: { name: string; arguments: string }[];
  finish_reason: 'stop' | 'length' | 'tool_calls' | 'refusal';
};

/** A recorded answer, or the status with which the provider refused the input. Other failures belong to their day. */
type RecordedOutcome = { answer: Answer; usage: Usage } | { failure: 400 | 413 };

/**
 * The calls that can be answered for a job of a book: its own, and those of jobs that asked the very same. Of redacted jobs it
 * is not known whether they did.
 */
export function createCallIndex(book: JobRecording[]): (recording: JobRecording) => RecordedCall[] {
  const byRequest = new Map<string, RecordedCall[]>();
  for (const recording of book) {
    if (recording.redactions > 0) continue;
    const key = requestKey(recording);
    byRequest.set(key, withoutRepeats([...(byRequest.get(key) ?? []), ...ownCalls(recording)]));
  }
  return (recording) => withoutRepeats([...ownCalls(recording), ...(byRequest.get(requestKey(recording)) ?? [])]);
}

function requestKey({ redactions, job, request }: JobRecording): string {
  return redactions > 0 ? job : createHash('sha256').update(JSON.stringify(request.input)).digest('base64');
}

/** The first of those that ask the same model the same. */
function withoutRepeats(calls: RecordedCall[]): RecordedCall[] {
  const first = new Map<string, RecordedCall>();
  for (const call of calls) if (!first.has(placeOf(call))) first.set(placeOf(call), call);
  return [...first.values()];
}

function ownCalls(recording: JobRecording): RecordedCall[] {
  const calls = new Map<string, RecordedCall>();
  for (const attempt of recording.attempts) {
    const outcome = outcomeOf(attempt);
    const text = askedBy(attempt, recording);
    if (outcome === null || text === null) continue;
    const asked = { model: attempt.model, text };
    const call = calls.get(placeOf(asked)) ?? { ...asked, outcomes: [] };
    call.outcomes.push(outcome);
    calls.set(placeOf(asked), call);
  }
  return [...calls.values()];
}

function placeOf({ model, text }: Pick<RecordedCall, 'model' | 'text'>): string {
  return `${model} ${text}`;
}

/** Null where there is nothing to play: no answer, or one whose usage, and so its cost, is unknown. */
function outcomeOf({ answer, usage, error }: RecordedAttempt): RecordedOutcome | null {
  if (error === 'invalid_request') return { failure: 400 };
  if (error === 'context_too_long') return { failure: 413 };
  if (answer === null || usage === null || !answer.tool_calls.every(isObjectCall)) return null;
  const toolCalls = answer.tool_calls.map(({ name, arguments: json }) => ({ name, arguments: json }));
  return { answer: { text: answer.text, tool_calls: toolCalls, finish_reason: answer.finish_reason }, usage };
}

/** Whether the arguments can be sent as all vendors send them: broken JSON can not. */
function isObjectCall({ arguments: json }: { arguments: string }): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function askedBy({ purpose, judges }: RecordedAttempt, { request: { input }, attempts }: JobRecording): string | null {
  if (judges === null) return ['answer', 'hedge', 'sample'].includes(purpose) ? lastUserText(input) : null;
  const judged = attempts.find(({ attempt }) => attempt === judges.attempt)?.answer;
  if (!judged) return null;
  const question = judgeMessages({ rubric: judges.rubric, prompt: promptOf(input), answer: judged.text }).at(-1)!;
  return textOf(question);
}

/** As the sandbox reads it from a provider's request. */
function lastUserText(input: JobRecording['request']['input']): string {
  if (isEmbedding(input)) return input.texts.join('\n');
  const texts = input.messages.flatMap((message) => (message.role === 'user' ? [textOf(message)] : []));
  return texts.findLast((text) => text !== '') ?? '';
}
