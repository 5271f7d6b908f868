import { setTimeout as pause } from 'node:timers/promises';

import type {
  Attempt,
  CallError,
  CallErrorCode,
  CallTimes,
  HeardLimit,
  JobEvent,
  JobState,
  UnifiedResponse,
  UpshiftConfig,
} from '@upshift/contracts';
import { ModelCallError, splitModelId } from '@upshift/contracts';
import type { Circuits, ModelClient } from '@upshift/models';
import { configOf, denyProvider, done, putBack, readAnswer, readHealth } from '@upshift/queues';
import type { Outcome, Pipeline, Place, StepContext } from '@upshift/queues';
import { callOf, callsOfStep } from '@upshift/routing';
import type { Call } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import type { Calls } from './calls.ts';
import { withHedge } from './hedge.ts';
import type { Durations, MakeCall } from './hedge.ts';
import { giveBackPlace, takePlace } from './pace.ts';
import type { Size } from './pace.ts';
import type { Retries } from './retries.ts';
import type { Slots } from './slots.ts';

/** Longest that the shared health of models is waited for, in ms. */
const HEARD_WITHIN_MS = 250;

export interface Tools {
  pipeline: Pipeline;
  client: ModelClient;
  circuits: Circuits;
  calls: Calls;
  slots: Slots;
  retries: Retries;
  durations: Durations;
  /** Fires when this process is told to stop: what is not sent by then goes back to its queue. */
  stopping: AbortSignal;
}

/** Calls the model of an attempt: marked as sent before, settled after, so that no crash pays twice blindly. */
export async function handleCall(tools: Tools, context: StepContext<'call'>): Promise<Outcome> {
  const { job, step, signal } = context;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) return { kind: 'discard', reason: `the job has no attempt ${step.attempt}` };
  if (attempt.state !== 'claimed') return lost(context);
  // Under the signal before it is marked as sent: a cancellation between the two would not reach it otherwise.
  return tools.calls.run(job.id, signal, (stop) => callOrHedge(tools, context, attempt, stop));
}

/** Waits for a place within the model's limits, which costs no attempt; where none comes in time the call counts as limited. */
async function paceAndCall(
  tools: Tools,
  context: StepContext<'call'>,
  attempt: Attempt,
  config: UpshiftConfig,
  stop: AbortSignal,
): Promise<Made> {
  const call = await prepare(tools.pipeline, context, attempt);
  const { concurrency: most = 1, slow_call_s: slowS } = config.models[attempt.model] ?? {};
  let made: Made = null;
  await tools.slots.run(attempt.model, most, AbortSignal.any([stop, tools.stopping]), async () => {
    made = await placeAndCall(tools, context, attempt, call, config, stop);
    return made === null || made === 'put-back' ? null : whatProviderSaid(made, slowS);
  });
  return made;
}

/** What a call came to: the event that it ended with; null where it was not made. */
type Made = JobEvent | 'put-back' | null;

/** Makes the first call of a step; where the route wants it, and that call is slow, a second one beside it. */
async function callOrHedge(tools: Tools, context: StepContext<'call'>, attempt: Attempt, stop: AbortSignal): Promise<Outcome> {
  const { job } = context;
  const config = await configOf(tools.pipeline, job.configVersion);
  let outcome = done;
  const make: MakeCall = async (first, until) => {
    const made = await paceAndCall(tools, context, first, config, until);
    if (made === 'put-back') outcome = putBack;
    return made === 'put-back' ? null : made;
  };
  const makeHedge: MakeCall = async (hedge, until) => {
    const made = await paceAndCall(
      tools,
      { ...context, job: { ...job, attempts: [...job.attempts, hedge] } },
      hedge,
      config,
      until,
    );
    if (made !== null && made !== 'put-back') return made;
    await context.advance({ type: 'place-denied', attempt: hedge.number, error: notMade(hedge.model), times: NO_TIMES });
    return null;
  };
  const afterMs =
    config.routes[job.route]?.hedge && attempt.purpose === 'answer' ? tools.durations.slowAfterMs(attempt.model) : null;
  if (afterMs === null) await make(attempt, stop);
  else await withHedge(context, attempt, afterMs, stop, make, makeHedge);
  return outcome;
}

const NO_TIMES: CallTimes = { waitMs: 0, modelMs: 0 };

async function placeAndCall(
  tools: Tools,
  context: StepContext<'call'>,
  attempt: Attempt,
  call: Call,
  config: UpshiftConfig,
  stop: AbortSignal,
): Promise<Made> {
  const { job, advance } = context;
  if (call.deadline !== null && Date.now() >= call.deadline) {
    const late = { waitMs: Date.now() - attempt.claimedAt, modelMs: 0 };
    await advance({ type: 'place-denied', attempt: attempt.number, error: tooLate(attempt.model), times: late });
    return null;
  }
  if (!(await tools.retries.admit(context, attempt))) return null;
  const waiting = AbortSignal.any([stop, tools.stopping]);
  const place = waiting.aborted ? null : await takePlace(tools.pipeline, config, attempt.model, sizeOf(job, call), waiting);
  if (stop.aborted) return null;
  if (place === null || tools.stopping.aborted) return 'put-back';
  if ('places' in place) return sendAndSettle(tools, context, attempt, call, config, place.places, stop);
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
  places: Place[],
  stop: AbortSignal,
): Promise<JobEvent | null> {
  const sent = await advance({ type: 'sent', attempt: attempt.number, epoch: job.epoch });
  if (!sent?.changed) return null;
  const { event, answer, heard } = await runCall(tools, job, attempt, call, config.models[attempt.model]?.slow_call_s, stop);
  await giveBackPlace(tools.pipeline, attempt.model, places, event, heard);
  if (event.type === 'call-failed' && event.error.code === 'provider_denied')
    await denyProvider(tools.pipeline, event.error.provider, event.error.message);
  await advance(event, answer ? { [`answer:${attempt.number}`]: JSON.stringify(answer) } : {});
  if (event.type === 'answered') tools.durations.add(attempt.model, event.times.modelMs);
  return event;
}

/** The error of a call; null after an answer. One that took too long makes for fewer calls at a time, as a timeout does. */
function whatProviderSaid(event: JobEvent, slowS = Infinity): { code: CallErrorCode } | null {
  if (event.type === 'call-failed') return event.error;
  return event.type === 'answered' && event.times.modelMs > slowS * 1000 ? { code: 'timeout' } : null;
}

/** Our own haste is no fault of the model: the call is aborted, which counts for no circuit. */
function untilDeadline({ deadline }: Call, signal: AbortSignal): AbortSignal {
  if (deadline === null) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, deadline - Date.now()))]);
}

/** The call was wanted by a time that has passed while it waited: it is not made. */
function tooLate(model: string): CallError {
  return notCalled(model, 'timeout', 'waited too long for a worker to be of use');
}

/** The first call has answered, or the worker stops, before the hedge was sent. */
function notMade(model: string): CallError {
  return notCalled(model, 'aborted', 'not needed any more');
}

function notCalled(model: string, code: CallErrorCode, message: string): CallError {
  return {
    code,
    message,
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

interface Result {
  event: JobEvent;
  answer: UnifiedResponse | null;
  heard: HeardLimit[];
}

async function runCall(
  { pipeline, client, circuits }: Tools,
  job: JobState,
  { number, model, claimedAt }: Attempt,
  call: Call,
  slowS: number | undefined,
  signal: AbortSignal,
): Promise<Result> {
  const startedAt = Date.now();
  const times = (): CallTimes => ({ waitMs: startedAt - claimedAt, modelMs: Date.now() - startedAt });
  const requestId = `${job.id}.${job.revision}.${number}`;
  let heard: HeardLimit[] = [];
  const onLimits = (limits: HeardLimit[]): void => void (heard = limits);
  const heardOf = await inTime(readHealth(pipeline));
  circuits.hear(model, heardOf?.circuitsOpen[model] ?? 0);
  try {
    const slowMs = slowS === undefined ? Infinity : slowS * 1000;
    const until = untilDeadline(call, signal);
    const answer = await circuits.run(
      model,
      () => client.call({ ...call, modelId: model, requestId, signal: until, onLimits }),
      slowMs,
    );
    const { finishReason, usage } = answer;
    const empty = answer.vectors?.length === 0;
    return { event: { type: 'answered', attempt: number, finishReason, usage, empty, times: times() }, answer, heard };
  } catch (error) {
    if (!(error instanceof ModelCallError)) throw error;
    annotate({ 'error.type': error.error.code });
    return { event: { type: 'call-failed', attempt: number, error: error.error, times: times() }, answer: null, heard };
  }
}

/** What the other processes say is worth no wait: without it this one goes by its own circuit. */
function inTime<Value>(value: Promise<Value>): Promise<Value | null> {
  return Promise.race([value, pause(HEARD_WITHIN_MS, null, { ref: false })]).catch(() => null);
}

/** The entry came back although its call was sent: its worker died, and what became of that call, and of a hedge beside it, is not known. */
async function lost({ job, step, advance }: StepContext<'call'>): Promise<Outcome> {
  for (const { number, model, state, sentAt } of callsOfStep(job, step.attempt)) {
    const times = { waitMs: 0, modelMs: sentAt === null ? 0 : Date.now() - sentAt };
    if (state === 'sent') await advance({ type: 'call-failed', attempt: number, error: unknownOutcome(model), times });
    if (state === 'claimed') await advance({ type: 'place-denied', attempt: number, error: notMade(model), times });
  }
  return done;
}

function unknownOutcome(model: string): CallError {
  return {
    ...notCalled(model, 'outcome_unknown', 'the worker died during the call; it may have been billed'),
    retryable: true,
    maybeBilled: true,
  };
}
