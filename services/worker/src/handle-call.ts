import type { Attempt, CallError, CallTimes, JobEvent, JobState, UnifiedResponse, UpshiftConfig } from '@upshift/contracts';
import { ModelCallError, splitModelId } from '@upshift/contracts';
import type { Circuits, ModelClient } from '@upshift/models';
import { configOf, denyProvider, done, putBack, readAnswer, readHealth } from '@upshift/queues';
import type { Outcome, Pipeline, StepContext } from '@upshift/queues';
import { callOf } from '@upshift/routing';
import type { Call } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import type { Calls } from './calls.ts';
import { giveBackPlace, takePlace } from './pace.ts';
import type { Size } from './pace.ts';
import type { Slots } from './slots.ts';

export interface Tools {
  pipeline: Pipeline;
  client: ModelClient;
  circuits: Circuits;
  calls: Calls;
  slots: Slots;
  /** Fires when this process is told to stop: what is not sent by then goes back to its queue. */
  stopping: AbortSignal;
}

/** Calls the model of an attempt: marked as sent before, settled after, so that no crash pays twice blindly. */
export async function handleCall(tools: Tools, context: StepContext<'call'>): Promise<Outcome> {
  const { job, step, signal } = context;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) return { kind: 'discard', reason: `the job has no attempt ${step.attempt}` };
  if (attempt.state === 'sent') return lost(context, attempt);
  const call = await prepare(tools.pipeline, context, attempt);
  // Under the signal before it is marked as sent: a cancellation between the two would not reach it otherwise.
  return tools.calls.run(job.id, signal, (stop) => paceAndCall(tools, context, attempt, call, stop));
}

/** Waits for a place within the model's limits, which costs no attempt; where none comes in time the call counts as limited. */
async function paceAndCall(
  tools: Tools,
  context: StepContext<'call'>,
  attempt: Attempt,
  call: Call,
  stop: AbortSignal,
): Promise<Outcome> {
  const { job } = context;
  const config = await configOf(tools.pipeline, job.configVersion);
  const most = config.models[attempt.model]?.concurrency ?? 1;
  let outcome = done;
  await tools.slots.run(attempt.model, most, waitingUntil(stop, tools), async () => {
    const made = await placeAndCall(tools, context, attempt, call, config, stop);
    if (made === 'put-back') outcome = putBack;
    return made === 'put-back' ? null : made;
  });
  return outcome;
}

/** What ends a wait: made only where there is one, because it costs as much as a step. */
function waitingUntil(stop: AbortSignal, { stopping }: Tools): () => AbortSignal {
  return () => AbortSignal.any([stop, stopping]);
}

/** Gives the error that the call ended with; null after an answer, and where nothing was called. */
async function placeAndCall(
  tools: Tools,
  context: StepContext<'call'>,
  attempt: Attempt,
  call: Call,
  config: UpshiftConfig,
  stop: AbortSignal,
): Promise<CallError | 'put-back' | null> {
  const { job, advance } = context;
  if (call.deadline !== null && Date.now() >= call.deadline) {
    const late = { waitMs: Date.now() - attempt.claimedAt, modelMs: 0 };
    await advance({ type: 'place-denied', attempt: attempt.number, error: tooLate(attempt.model), times: late });
    return null;
  }
  const place =
    stop.aborted || tools.stopping.aborted
      ? null
      : await takePlace(tools.pipeline, config, attempt.model, sizeOf(job, call), waitingUntil(stop, tools));
  if (stop.aborted) return null;
  if (place === null || tools.stopping.aborted) return 'put-back';
  if (place.refused === null) return sendAndSettle(tools, context, attempt, call, config, stop);
  const times = { waitMs: Date.now() - attempt.claimedAt, modelMs: 0 };
  await advance({ type: 'place-denied', attempt: attempt.number, error: place.refused, times });
  return null;
}

async function sendAndSettle(
  tools: Tools,
  { job, advance }: StepContext<'call'>,
  attempt: Attempt,
  call: Call,
  config: UpshiftConfig,
  stop: AbortSignal,
): Promise<CallError | null> {
  const sent = await advance({ type: 'sent', attempt: attempt.number, epoch: job.epoch });
  if (!sent?.changed) return null;
  const { event, answer } = await runCall(tools, job, attempt, call, config.models[attempt.model]?.slow_call_s, stop);
  await giveBackPlace(tools.pipeline, config, attempt.model, sizeOf(job, call), event);
  if (event.type === 'call-failed' && event.error.code === 'provider_denied')
    await denyProvider(tools.pipeline, event.error.provider, event.error.message);
  await advance(event, answer ? { [`answer:${attempt.number}`]: JSON.stringify(answer) } : {});
  return event.type === 'call-failed' ? event.error : null;
}

/** Our own haste is no fault of the model: the call is aborted, which counts for no circuit. */
function untilDeadline({ deadline }: Call, signal: AbortSignal): AbortSignal {
  if (deadline === null) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, deadline - Date.now()))]);
}

/** The call was wanted by a time that has passed while it waited: it is not made. */
function tooLate(model: string): CallError {
  return {
    code: 'timeout',
    message: 'waited too long for a worker to be of use',
    retryable: false,
    retryAfterMs: null,
    maybeBilled: false,
    provider: splitModelId(model).provider,
    status: null,
    requestId: null,
  };
}

function sizeOf({ needs }: JobState, { maxOutputTokens }: Call): Size {
  return { inputTokens: needs.inputTokens, maxOutputTokens };
}

async function prepare(pipeline: Pipeline, { job, request }: StepContext<'call'>, attempt: Attempt): Promise<Call> {
  const [config, judged] = await Promise.all([
    configOf(pipeline, job.configVersion),
    attempt.purpose !== 'judge' || attempt.judges === null ? null : readAnswer(pipeline, job.id, attempt.judges.attempt),
  ]);
  return callOf(job, attempt, request, config, judged);
}

async function runCall(
  { pipeline, client, circuits }: Tools,
  job: JobState,
  { number, model, claimedAt }: Attempt,
  call: Call,
  slowS: number | undefined,
  signal: AbortSignal,
): Promise<{ event: JobEvent; answer: UnifiedResponse | null }> {
  const startedAt = Date.now();
  const times = (): CallTimes => ({ waitMs: startedAt - claimedAt, modelMs: Date.now() - startedAt });
  const requestId = `${job.id}.${job.revision}.${number}`;
  const heardOf = await readHealth(pipeline).catch(() => null);
  circuits.hear(model, heardOf?.circuitsOpen[model] ?? 0);
  try {
    const slowMs = slowS === undefined ? Infinity : slowS * 1000;
    const until = untilDeadline(call, signal);
    const answer = await circuits.run(model, () => client.call({ ...call, modelId: model, requestId, signal: until }), slowMs);
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
