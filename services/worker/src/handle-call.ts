import type { Attempt, CallError, CallTimes, JobEvent, JobState, UnifiedResponse } from '@upshift/contracts';
import { ModelCallError, splitModelId } from '@upshift/contracts';
import type { Circuits, ModelClient } from '@upshift/models';
import { configOf, done, readAnswer } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { callOf } from '@upshift/routing';
import type { Call } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import type { Calls } from './calls.ts';

export interface Tools {
  pipeline: Pipeline;
  client: ModelClient;
  circuits: Circuits;
  calls: Calls;
}

/** Calls the model of an attempt: marked as sent before, settled after, so that no crash pays twice blindly. */
export async function handleCall(tools: Tools, context: StepContext<'call'>): Promise<Outcome> {
  const { job, step, signal } = context;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) return { kind: 'discard', reason: `the job has no attempt ${step.attempt}` };
  if (attempt.state === 'sent') return lost(context, attempt);
  const call = await prepare(tools.pipeline, context, attempt);
  // Under the signal before it is marked as sent: a cancellation between the two would not reach it otherwise.
  await tools.calls.run(job.id, signal, (stop) => sendAndSettle(tools, context, attempt, call, stop));
  return done;
}

async function sendAndSettle(
  tools: Tools,
  { job, advance }: StepContext<'call'>,
  attempt: Attempt,
  call: Call,
  stop: AbortSignal,
): Promise<void> {
  const sent = await advance({ type: 'sent', attempt: attempt.number });
  if (!sent?.changed) return;
  const { event, answer } = await runCall(tools, job, attempt, call, stop);
  await advance(event, answer ? { [`answer:${attempt.number}`]: JSON.stringify(answer) } : {});
}

async function prepare(pipeline: Pipeline, { job, request }: StepContext<'call'>, attempt: Attempt): Promise<Call> {
  const [config, judged] = await Promise.all([
    configOf(pipeline, job.configVersion),
    attempt.judges === null ? null : readAnswer(pipeline, job.id, attempt.judges.attempt),
  ]);
  return callOf(job, attempt, request, config, judged);
}

async function runCall(
  { client, circuits }: Tools,
  job: JobState,
  { number, model, claimedAt }: Attempt,
  call: Call,
  signal: AbortSignal,
): Promise<{ event: JobEvent; answer: UnifiedResponse | null }> {
  const startedAt = Date.now();
  const times = (): CallTimes => ({ waitMs: startedAt - claimedAt, modelMs: Date.now() - startedAt });
  const requestId = `${job.id}.${job.revision}.${number}`;
  try {
    const answer = await circuits.run(model, () => client.call({ ...call, modelId: model, requestId, signal }));
    const { finishReason, usage } = answer;
    const empty = answer.vectors?.length === 0;
    return { event: { type: 'answered', attempt: number, finishReason, usage, empty, times: times() }, answer };
  } catch (error) {
    if (!(error instanceof ModelCallError)) throw error;
    annotate({ 'error.type': error.error.code });
    return { event: { type: 'call-failed', attempt: number, error: error.error, times: times() }, answer: null };
  }
}

/** The entry came back although the call was sent: its worker died, and what became of the call is not known. */
async function lost({ advance }: StepContext<'call'>, { number, model, sentAt }: Attempt): Promise<Outcome> {
  const error: CallError = {
    code: 'outcome_unknown',
    message: 'the worker died during the call; it may have been billed',
    retryable: true,
    retryAfterMs: null,
    maybeBilled: true,
    provider: splitModelId(model).provider,
    status: null,
    requestId: null,
  };
  await advance({
    type: 'call-failed',
    attempt: number,
    error,
    times: { waitMs: 0, modelMs: Date.now() - (sentAt ?? Date.now()) },
  });
  return done;
}
