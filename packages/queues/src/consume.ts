import type { JobState, Step } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import { annotate, inSpan } from '@upshift/runtime';
import type { SpanAttributes } from '@upshift/runtime';
import { UnrecoverableError, Worker } from 'bullmq';
import type { Job } from 'bullmq';

import { advance } from './advance.ts';
import { recovery, stepPayload } from './catalogue.ts';
import type { StepPayload } from './catalogue.ts';
import { connect } from './connection.ts';
import { readJob } from './job-store.ts';
import { CELL_PREFIX, keys } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** What a handler made of a step. Only this file knows how BullMQ is told. */
export type Outcome =
  /** The step is done, or there was nothing left to do. */
  | { kind: 'done' }
  /** The entry makes no sense and never will. */
  | { kind: 'discard'; reason: string };

export const done: Outcome = { kind: 'done' };

/** One step of one job, as a service sees it. */
export interface StepContext<Kind extends Step['kind']> {
  job: JobState;
  step: Extract<Step, { kind: Kind }>;
  /** Fires when this process has lost the entry to another one. */
  signal: AbortSignal;
}

export interface Consumer {
  queue: string;
  close(): Promise<void>;
}

/**
 * Consumes a queue: reads and checks each entry, drops those that the job's record has overtaken, and hands the rest to
 * `handle`. An entry is delivered at least once; the record's version and epoch make its effect happen once.
 */
export function consume<Kind extends Step['kind']>(
  pipeline: Pipeline,
  queue: string,
  kind: Kind,
  concurrency: number,
  handle: (context: StepContext<Kind>) => Promise<Outcome>,
): Consumer {
  const connection = connect(pipeline.url, { failFast: false });
  const worker = new Worker<StepPayload>(queue, processor, { connection, prefix: CELL_PREFIX, concurrency, ...recovery });
  // BullMQ gives the signal only to a processor of exactly three plain parameters.
  async function processor(entry: Job<StepPayload>, _token: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const outcome = await deliver(pipeline, kind, entry.data, signal ?? new AbortController().signal, handle);
    if (outcome.kind === 'discard') throw new UnrecoverableError(outcome.reason);
  }
  worker.on('error', (error) => pipeline.logger.warn({ queue, reason: error.message }, 'worker'));
  worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, 'another worker has this entry')));
  worker.on('stalled', () => pipeline.metrics.stalled.inc({ queue }));
  worker.on('failed', (entry, error) => void giveUp(pipeline, entry, error));
  void pipeline.redis.sadd(keys.queues, queue).catch(() => undefined);
  return {
    queue,
    async close() {
      await worker.close();
      connection.disconnect();
    },
  };
}

async function deliver<Kind extends Step['kind']>(
  pipeline: Pipeline,
  kind: Kind,
  data: unknown,
  signal: AbortSignal,
  handle: (context: StepContext<Kind>) => Promise<Outcome>,
): Promise<Outcome> {
  const payload = stepPayload.safeParse(data);
  if (!payload.success)
    return { kind: 'discard', reason: `malformed entry: ${payload.error.issues.map(({ message }) => message).join('; ')}` };
  const record = await readJob(pipeline, payload.data.job);
  if (record === null) return { kind: 'discard', reason: 'no such job' };
  const { state, traceparent: parent } = record;
  if (isTerminal(state.status) || state.epoch !== payload.data.epoch || state.step?.kind !== kind) return done;
  const step = state.step as Extract<Step, { kind: Kind }>;
  return inSpan({ name: `${kind} step`, kind: 'consumer', attributes: attributesOf(state), parent }, async () => {
    const outcome = await handle({ job: state, step, signal });
    if (outcome.kind === 'discard') annotate({ 'error.type': 'discarded' });
    return outcome;
  });
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

/** A step that failed for good takes its job with it, with the reason: it must not wait for ever. */
async function giveUp(pipeline: Pipeline, entry: Job<StepPayload> | undefined, error: Error): Promise<void> {
  pipeline.logger.error({ entry: entry?.id, reason: error.message, stack: error.stack }, 'step failed');
  const payload = stepPayload.safeParse(entry?.data);
  const final = entry !== undefined && (entry.finishedOn !== undefined || entry.attemptsMade >= (entry.opts.attempts ?? 1));
  if (!payload.success || !final) return;
  try {
    const { job, epoch } = payload.data;
    await advance(pipeline, job, { type: 'step-crashed', epoch, reason: error.message });
  } catch (failure) {
    // The reconciler finds the job: its entry is in the failed set.
    pipeline.logger.error({ entry: entry?.id, reason: String(failure) }, 'could not end the job of a failed step');
  }
}
