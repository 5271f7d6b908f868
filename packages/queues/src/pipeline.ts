import type { UpshiftConfig } from '@upshift/contracts';
import type { Logger, Metrics } from '@upshift/runtime';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { eventStreamLength } from './catalogue.ts';
import { assertDurable, connect, reach } from './connection.ts';
import { cellKeys, globalKeys } from './names.ts';
import type { CellKeys } from './names.ts';
import { Solitude } from './solitude.ts';
import type { Watchdog } from './watchdog.ts';
import { createWriter } from './writer.ts';
import type { Writer } from './writer.ts';

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
  /** Missing for a process that need not be ended where it is stuck, as one that is started by hand. */
  watchdog?: Watchdog;
}

/** An open connection to the pipeline of a cell: what all functions of this package work on. */
export interface Pipeline extends PipelineOptions {
  redis: Redis;
  /** The number of the cell, from 0, and the names of its keys. */
  cell: number;
  keys: CellKeys;
  writer: Writer;
  /** Of the steps of all queues that this process works on. */
  solitude: Solitude;
  /** Queues by name, opened on first use. */
  queues: Map<string, Queue>;
  /** Configurations by version, as far as this process has met them. */
  configs: Map<string, UpshiftConfig>;
}

const FIRST_CELL = 0;

/** Connects, refuses a Redis that would lose jobs, and makes this process's configuration known under its version. */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const redis = connect(options.url, options);
  redis.on('error', (error) => options.logger.warn({ reason: error.message }, 'redis'));
  await reach(redis, options.url);
  if (!options.disposable) await assertDurable(redis);
  const keys = cellKeys(FIRST_CELL);
  await redis.set(globalKeys.config(options.configVersion), JSON.stringify(options.config));
  return {
    ...options,
    redis,
    cell: FIRST_CELL,
    keys,
    writer: createWriter(redis, keys),
    solitude: new Solitude(),
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
    prefix: pipeline.keys.prefix,
    streams: { events: { maxLen: eventStreamLength } },
  });
  queue.on('error', (error) => pipeline.logger.warn({ queue: name, reason: error.message }, 'queue'));
  pipeline.queues.set(name, queue);
  return queue;
}
