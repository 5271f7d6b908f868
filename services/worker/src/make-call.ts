import { setTimeout as pause } from 'node:timers/promises';

import type { Attempt, CallError, CallTimes, HeardLimit, JobEvent, UnifiedResponse, UpshiftConfig } from '@upshift/contracts';
import { ModelCallError } from '@upshift/contracts';
import type { Circuits, ModelClient } from '@upshift/models';
import { closeCircuit, readAnswer, readHealth } from '@upshift/queues';
import type { Pipeline, Place, StepContext } from '@upshift/queues';
import { callOf, isProbed, sampleCalls, whyNotNow } from '@upshift/routing';
import type { Call, CallOutcome, Health } from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import { notNow, tooLate } from './call-errors.ts';
import type { Calls } from './calls.ts';
import type { Durations } from './hedge.ts';
import { giveBackPlace, takePlace } from './pace.ts';
import type { Retries } from './retries.ts';
import type { Slots } from './slots.ts';

/** Longest that the shared health of models is waited for, in ms. */
const HEARD_WITHIN_MS = 250;

export interface Tools {
  client: ModelClient;
  circuits: Circuits;
  calls: Calls;
  slots: Slots;
  retries: Retries;
  durations: Durations;
  /** Fires when this process is told to stop: what is not sent by then goes back to its queue. */
  stopping: AbortSignal;
}

/** A call that is to be made. */
interface Order {
  tools: Tools;
  context: StepContext<'call'>;
  /** The configuration of the job. */
  config: UpshiftConfig;
  attempt: Attempt;
  /** Fires when nobody wants the answer any more. */
  stop: AbortSignal;
  /** Told when the call is marked as sent: what it waited for is over. */
  onSent?: (() => void) | undefined;
}

/** What a call came to: the event that it ended with; null where it was not made, and the job knows. */
export type Made = JobEvent | 'put-back' | null;

/** Makes a call when a slot of this process and a place within the limits are free, which costs no attempt, and settles it. */
export async function makeCall(order: Order): Promise<Made> {
  const { tools, config, attempt } = order;
  const call = await callOfOrder(order);
  const { concurrency: most = 1, slow_call_s: slowS } = config.models[attempt.model] ?? {};
  let made: Made = null;
  await tools.slots.run(attempt.model, most, waitingUntil(order), async () => {
    made = await placeAndCall(order, call);
    return outcomeOf(made, slowS);
  });
  return made;
}

/** What ends a wait: made only where there is one, because it costs as much as a step. */
function waitingUntil({ stop, tools }: Order): () => AbortSignal {
  return () => AbortSignal.any([stop, tools.stopping]);
}

async function callOfOrder({ context: { pipeline, job, request }, config, attempt }: Order): Promise<Call> {
  const { purpose, judges } = attempt;
  if (purpose !== 'judge' || judges === null) return callOf(job, attempt, request, config, null);
  const beside = sampleCalls(job, judges.attempt, judges.check).findLast(({ outcome }) => outcome === 'answered');
  const [judged, other] = await Promise.all([
    readAnswer(pipeline, job.id, judges.attempt),
    beside ? readAnswer(pipeline, job.id, beside.number) : null,
  ]);
  return callOf(job, attempt, request, config, judged, other);
}

async function placeAndCall(order: Order, call: Call): Promise<Made> {
  const { tools, context, config, attempt, stop } = order;
  const deny = async (error: CallError): Promise<null> => {
    await context.advance({ type: 'place-denied', attempt: attempt.number, epoch: context.job.epoch, error });
    return null;
  };
  if (call.deadline !== null && Date.now() >= call.deadline) return deny(tooLate(attempt.model));
  const health = await hearHealth(order);
  const reason = health && whyNotNow(attempt.model, health, Date.now());
  if (reason !== null) return deny(notNow(attempt.model, reason));
  if (!(await tools.retries.admit(context, attempt))) return null;
  const isOver = stop.aborted || tools.stopping.aborted;
  const place = isOver ? null : await takePlace(context.pipeline, config, attempt.model, call, waitingUntil(order));
  if (tools.stopping.aborted) return 'put-back';
  if (place === null || stop.aborted) return null;
  return 'places' in place ? sendAndSettle(order, call, place.places) : deny(place.refused);
}

async function sendAndSettle(order: Order, call: Call, places: Place[]): Promise<JobEvent | null> {
  const { tools, context, attempt, onSent } = order;
  const { pipeline, job, advance } = context;
  const sent = await advance({ type: 'sent', attempt: attempt.number, epoch: job.epoch });
  if (!sent?.changed) return null;
  tools.retries.count(job, attempt);
  onSent?.();
  const { event, answer, heard } = await callModel(order, call);
  await giveBackPlace(pipeline, attempt.model, places, event, heard);
  await advance(event, answer ? { [`answer:${attempt.number}`]: JSON.stringify(answer) } : {});
  if (event.type === 'answered') tools.durations.add(attempt.model, event.times.modelMs);
  return event;
}

/** An answer that took too long makes for fewer calls at a time, as a timeout does. */
function outcomeOf(made: Made, slowS = Infinity): CallOutcome {
  if (made === null || made === 'put-back') return null;
  if (made.type === 'call-failed') return made.error.code;
  const isSlow = made.type === 'answered' && made.times.modelMs > slowS * 1000;
  return isSlow ? 'timeout' : 'answered';
}

/** Our own haste is no fault of the model: the call is aborted, which counts for no circuit. */
function untilDeadline({ deadline }: Call, signal: AbortSignal): AbortSignal {
  if (deadline === null) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, deadline - Date.now()))]);
}

interface Result {
  event: JobEvent;
  answer: UnifiedResponse | null;
  heard: HeardLimit[];
}

async function callModel(order: Order, call: Call): Promise<Result> {
  const { tools, context, config, attempt, stop } = order;
  const { number, model, claimedAt } = attempt;
  const startedAt = Date.now();
  const times = (): CallTimes => ({ waitMs: startedAt - claimedAt, modelMs: Date.now() - startedAt });
  const requestId = `${context.job.id}.${context.job.revision}.${number}`;
  const slowMs = (config.models[model]?.slow_call_s ?? Infinity) * 1000;
  let heard: HeardLimit[] = [];
  const onLimits = (limits: HeardLimit[]): void => void (heard = limits);
  const health = await hearHealth(order);
  try {
    const signal = untilDeadline(call, stop);
    const ask = () => tools.client.call({ ...call, modelId: model, requestId, signal, onLimits });
    const answer = await tools.circuits.run(model, ask, slowMs);
    if (health !== null && isProbed(model, health, startedAt)) endProbing(context.pipeline, model);
    const { finishReason, usage } = answer;
    return { event: { type: 'answered', attempt: number, finishReason, usage, times: times() }, answer, heard };
  } catch (error) {
    if (!(error instanceof ModelCallError)) throw error;
    annotate({ 'error.type': error.error.code });
    return { event: { type: 'call-failed', attempt: number, error: error.error, times: times() }, answer: null, heard };
  }
}

/** Whoever opened the circuit may be gone, or have none: a limit that lasted long is told as an open circuit too. */
function endProbing(pipeline: Pipeline, model: string): void {
  closeCircuit(pipeline, model).catch((error: unknown) =>
    pipeline.logger.warn({ model, reason: String(error) }, 'could not share that a model answers again'),
  );
}

/** What the other processes say of models; the circuit of this one hears it, be its call made or not. */
async function hearHealth({ tools, context, attempt: { model } }: Order): Promise<Health | null> {
  const health = await inTime(readHealth(context.pipeline));
  tools.circuits.hear(model, health?.circuitsOpen[model] ?? 0);
  return health;
}

/** What the other processes say is worth no wait: without it this one goes by its own circuit. */
async function inTime<Value>(value: Promise<Value>): Promise<Value | null> {
  try {
    // Most often it is known already: no timer is needed then.
    const known = await Promise.race([value, notYet]);
    return known === 'not yet' ? await Promise.race([value, pause(HEARD_WITHIN_MS, null, { ref: false })]) : known;
  } catch {
    return null;
  }
}

const notYet = Promise.resolve('not yet' as const);
