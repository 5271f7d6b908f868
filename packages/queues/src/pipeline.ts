import type { JobState, Step, UpshiftConfig } from '@upshift/contracts';
import type { Logger, Metrics } from '@upshift/runtime';
import { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { entryOptions, eventStreamLength, queuePriority } from './catalogue.ts';
import type { StepPayload } from './catalogue.ts';
import { assertDurable, connect, reach } from './connection.ts';
import { CELL_PREFIX, CLASSIFY_QUEUE, entryId, keys, modelQueue, SCORE_QUEUE } from './names.ts';
import { defineTransition, preparedEntry } from './transition-script.ts';
import type { PreparedEntry } from './transition-script.ts';

export interface PipelineOptions {
  url: string;
  config: UpshiftConfig;
  configVersion: string;
  logger: Logger;
  metrics: Metrics;
  /** Start although Redis may lose what was accepted. */
  disposable: boolean;
  /** Let commands fail at once while Redis is away. */
  failFast: boolean;
}

/** An open connection to the pipeline of a cell: what all functions of this package work on. */
export interface Pipeline extends PipelineOptions {
  redis: Redis;
  transition: ReturnType<typeof defineTransition>;
  /** Queues by name, opened on first use. */
  queues: Map<string, Queue>;
  /** Configurations by version, as far as this process has met them. */
  configs: Map<string, UpshiftConfig>;
}

/** Connects, refuses a Redis that would lose jobs, and makes this process's configuration known under its version. */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const redis = connect(options.url, options);
  redis.on('error', (error) => options.logger.warn({ reason: error.message }, 'redis'));
  await reach(redis);
  if (!options.disposable) await assertDurable(redis);
  await redis.set(keys.config(options.configVersion), JSON.stringify(options.config));
  return {
    ...options,
    redis,
    transition: defineTransition(redis),
    queues: new Map(),
    configs: new Map([[options.configVersion, options.config]]),
  };
}

export async function closePipeline(pipeline: Pipeline): Promise<void> {
  await Promise.all([...pipeline.queues.values()].map((queue) => queue.close()));
  pipeline.redis.disconnect();
}

export function queueOf(pipeline: Pipeline, name: string): Queue {
  const known = pipeline.queues.get(name);
  if (known) return known;
  const queue = new Queue(name, {
    connection: pipeline.redis,
    prefix: CELL_PREFIX,
    streams: { events: { maxLen: eventStreamLength } },
  });
  queue.on('error', (error) => pipeline.logger.warn({ queue: name, reason: error.message }, 'queue'));
  pipeline.queues.set(name, queue);
  return queue;
}

/** The queue on which a step of a job waits. */
export function queueNameOf(job: JobState, step: Step): string {
  if (step.kind === 'classify') return CLASSIFY_QUEUE;
  if (step.kind === 'score') return SCORE_QUEUE;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) throw new Error(`job ${job.id} has no attempt ${step.attempt}`);
  return modelQueue(attempt.tier, attempt.model);
}

/** The entry of a step, made by BullMQ's own code and caught before it is sent, so that the transition script adds it. */
export async function prepareEntry(
  pipeline: Pipeline,
  job: JobState,
  step: Step,
  delayMs: number,
): Promise<PreparedEntry & { queue: string }> {
  const name = queueNameOf(job, step);
  const entry = new Job<StepPayload>(
    queueOf(pipeline, name),
    step.kind,
    payloadOf(job, step),
    { ...entryOptions, delay: delayMs, priority: queuePriority[job.priority], jobId: entryId(job, step) },
    entryId(job, step),
  );
  const caught: PreparedEntry[] = [];
  const catcher = {
    runCommand(command: string, args: (string | Buffer)[]): string {
      caught.push(preparedEntry(command, args));
      return entry.id ?? '';
    },
  };
  await entry.addJob(catcher as never);
  const [prepared] = caught;
  if (prepared === undefined) throw new Error('BullMQ sent no command to add an entry');
  return { ...prepared, queue: name };
}

function payloadOf(job: JobState, step: Step): StepPayload {
  const attempt = step.kind === 'classify' ? undefined : job.attempts[step.attempt - 1];
  return {
    job: job.id,
    revision: job.revision,
    epoch: job.epoch,
    step,
    route: job.route,
    task: job.task,
    model: attempt?.model ?? null,
    purpose: attempt?.purpose ?? null,
  };
}
