import type { JobEvent, JobRequest, JobState, Step, UnifiedResponse } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import { crashesOf, precautionFor } from '@upshift/routing';
import { annotate, inSpan } from '@upshift/runtime';
import type { SpanAttributes } from '@upshift/runtime';
import { UnrecoverableError } from 'bullmq';
import type { Job } from 'bullmq';

import { advance, advanceHeld } from './advance.ts';
import type { Advanced, Holding } from './advance.ts';
import { Capacity } from './capacity.ts';
import { stepPayload } from './catalogue.ts';
import type { Pipeline } from './pipeline.ts';
import { markAlone, quarantine } from './quarantine.ts';
import { QueueLine } from './queue-line.ts';
import type { Fate } from './queue-line.ts';
import { isRedisAway, onceRedisTakes } from './redis-away.ts';
import { parseRequest } from './request-text.ts';
import { parseState } from './state-text.ts';
import type { TakenEntry } from './take-script.ts';
import type { HeldEntry } from './transition.ts';

/** What a handler made of a step. Only this file knows how BullMQ is told. */
export type Outcome =
  /** The step is done, or there was nothing left to do. */
  | { kind: 'done' }
  /** The entry makes no sense and never will. */
  | { kind: 'discard'; reason: string }
  /** The step was not begun and this process stops: the entry goes back to its queue, and nothing counts against it. */
  | { kind: 'put-back' };

export const done: Outcome = { kind: 'done' };
export const putBack: Outcome = { kind: 'put-back' };

/** One step of one job, as a service sees it. */
export interface StepContext<Kind extends Step['kind']> {
  /** The job's cell. */
  pipeline: Pipeline;
  job: JobState;
  step: Extract<Step, { kind: Kind }>;
  request: JobRequest;
  /** The answer that a `score` step is about; null for the others. */
  answer: UnifiedResponse | null;
  /** Fires when this process has lost the entry to another one. */
  signal: AbortSignal;
  /**
   * Moves the job, as `advance` does; where that ends the step, its entry is taken off the queue in the same atomic step. While Redis can not
   * take how a call has ended, it is tried again, until the entry is lost.
   */
  advance: (event: JobEvent, fields?: Record<string, string>) => Promise<Advanced | null>;
}

export interface Consumer {
  queue: string;
  close(): Promise<void>;
}

/**
 * Consumes a queue in some cells, with so many entries in hand in all of them together: reads and checks each entry, drops those that the job's record has overtaken, and hands the rest to
 * `handle`. An entry is delivered at least once; the record's version and epoch make its effect happen once.
 */
export function consume<Kind extends Step['kind']>(
  cells: Pipeline[],
  queue: string,
  kind: Kind,
  concurrency: number,
  handle: (context: StepContext<Kind>) => Promise<Outcome>,
): Consumer {
  const capacity = new Capacity(concurrency, cells.length);
  const lines = cells.map((pipeline) => {
    void pipeline.redis.sadd(pipeline.keys.queues, queue).catch(() => undefined);
    return new QueueLine(
      pipeline,
      queue,
      // A second delivery of a call may cost money; of other steps it costs a moment's work.
      { capacity, locksAtOnce: kind === 'call' },
      (entry, held, lost) => deliver(pipeline, kind, entry, held, lost, handle),
      (entry, error) => void giveUp(pipeline, entry, error),
    );
  });
  return { queue, close: async () => void (await Promise.all(lines.map((line) => line.close()))) };
}

async function deliver<Kind extends Step['kind']>(
  pipeline: Pipeline,
  kind: Kind,
  entry: TakenEntry,
  held: HeldEntry,
  signal: AbortSignal,
  handle: (context: StepContext<Kind>) => Promise<Outcome>,
): Promise<Fate> {
  if (entry.deferredFailure !== null) throw new UnrecoverableError(entry.deferredFailure);
  const { job: id, epoch } = payloadOf(entry);
  if (entry.state === null || entry.request === null) throw new UnrecoverableError('no such job');
  const state = parseState(id, entry.state);
  const { traceparent } = entry;
  const record = { state, version: Number(entry.version ?? 0), traceparent };
  const holding: Holding = { held, kind, epoch, record, finished: false };
  if (!isTerminal(state.status) && state.epoch === epoch && state.step?.kind === kind) {
    const context: StepContext<Kind> = {
      pipeline,
      job: state,
      step: state.step as Extract<Step, { kind: Kind }>,
      request: parseRequest(entry.request),
      answer: entry.answer === null ? null : (JSON.parse(entry.answer) as UnifiedResponse),
      signal,
      advance: (event, fields) => {
        const write = (): Promise<Advanced | null> => advanceHeld(pipeline, holding, event, fields);
        return isEndOfCall(event) ? onceRedisTakes(signal, write) : write();
      },
    };
    const span = { name: `${kind} step`, kind: 'consumer', attributes: attributesOf(state), parent: traceparent } as const;
    const outcome = await withPrecaution(pipeline, entry, state, () => inSpan(span, () => handleOrFail(handle, context)));
    if (outcome.kind === 'put-back' && !holding.finished) return 'put-back';
  }
  if (!holding.finished) await pipeline.writer.finish(held);
  return 'finished';
}

/**
 * What a model was paid for is not thrown away because Redis is full for a moment. Nothing else is worth that wait: when it is over, a call that
 * was about to be sent may have come too late.
 */
function isEndOfCall({ type }: JobEvent): boolean {
  return type === 'answered' || type === 'call-failed';
}

/** A job that was on board when workers crashed runs alone; one that crashed a worker alone runs no more. */
async function withPrecaution<Result>(
  pipeline: Pipeline,
  { stalls, aloneAt }: TakenEntry,
  state: JobState,
  work: () => Promise<Result>,
): Promise<Result> {
  const crashes = crashesOf(state, stalls);
  const precaution = precautionFor(crashes, aloneAt);
  if (precaution === 'quarantine') {
    await quarantine(pipeline, state.id);
    throw new UnrecoverableError(`its worker died or hung ${crashes} times, the last time with this job alone on board`);
  }
  const leave = await pipeline.solitude.enter(precaution === 'alone');
  try {
    if (precaution === 'alone') await markAlone(pipeline, state.id, crashes);
    return await work();
  } finally {
    leave();
  }
}

async function handleOrFail<Kind extends Step['kind']>(
  handle: (context: StepContext<Kind>) => Promise<Outcome>,
  context: StepContext<Kind>,
): Promise<Outcome> {
  const outcome = await handle(context);
  if (outcome.kind !== 'discard') return outcome;
  annotate({ 'error.type': 'discarded' });
  throw new UnrecoverableError(outcome.reason);
}

function attributesOf({ id, revision, route, task, step, attempts }: JobState): SpanAttributes {
  const attempt = step === null || step.kind === 'classify' ? undefined : attempts[step.attempt - 1];
  return {
    'upshift.job.id': id,
    'upshift.job.revision': revision,
    'upshift.route': route,
    'upshift.task': task,
    'upshift.attempt': attempt?.number,
    'upshift.tier': attempt?.tier,
    'upshift.model': attempt?.model,
    'upshift.purpose': attempt?.purpose,
  };
}

function payloadOf(entry: TakenEntry): { job: string; epoch: number } {
  const payload = stepPayload.safeParse(parseOrNull(entry.data));
  if (payload.success) return payload.data;
  throw new UnrecoverableError(`malformed entry: ${payload.error.issues.map(({ message }) => message).join('; ')}`);
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A step that failed for good takes its job with it, with the reason: it must not wait for ever. */
async function giveUp(pipeline: Pipeline, entry: Job | undefined, error: Error): Promise<void> {
  const isFinal = entry !== undefined && (entry.finishedOn !== undefined || entry.attemptsMade >= (entry.opts.attempts ?? 1));
  // Of all steps the same, and each is tried again.
  if (!isFinal && isRedisAway(error)) return pipeline.sayFailure('steps fail', { queue: entry?.queueName }, error);
  pipeline.logger.error({ entry: entry?.id, reason: error.message, stack: error.stack }, 'step failed');
  const payload = stepPayload.safeParse(entry?.data);
  if (!payload.success || !isFinal) return;
  try {
    const { job, epoch } = payload.data;
    await advance(pipeline, job, { type: 'step-crashed', epoch, reason: error.message });
  } catch (failure) {
    // The reconciler finds the job: its entry is in the failed set.
    pipeline.logger.error({ entry: entry?.id, reason: String(failure) }, 'could not end the job of a failed step');
  }
}
