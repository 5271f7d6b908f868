import type { UpshiftConfig } from '@upshift/contracts';
import { createFailureLog } from '@upshift/runtime';
import type { FailureLog, Logger, Metrics } from '@upshift/runtime';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { createAcceptor } from './acceptor.ts';
import type { Acceptor } from './acceptor.ts';
import { eventStreamLength } from './catalogue.ts';
import { assertFit, connect, reach } from './connection.ts';
import { cellKeys, globalKeys } from './names.ts';
import type { CellKeys } from './names.ts';
import { Solitude } from './solitude.ts';
import { setWhenFull } from './when-full.ts';
import { createWriter } from './writer.ts';
import type { Writer } from './writer.ts';

/** What ends a process that has stopped taking entries although its connections look sound: only a restart helps. */
interface Watchdog {
  /** How long nothing may be taken from a queue with due entries while a slot is free, in ms. */
  stuckAfterMs: number;
  end(reason: string): void;
}

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

/** An open connection to Redis and what this process goes by: for functions that are about no one cell. */
export interface Connection extends PipelineOptions {
  redis: Redis;
  /** For what fails again and again while Redis is away, in each of this process's connections. */
  sayFailure: FailureLog;
  /** Of the steps of all queues that this process works on. */
  solitude: Solitude;
  /** Configurations by version, as far as this process has met them. */
  configs: Map<string, UpshiftConfig>;
}

/** The pipeline of a cell: what most functions of this package work on. */
export interface Pipeline extends Connection {
  /** The number of the cell, from 0, and the names of its keys. */
  cell: number;
  keys: CellKeys;
  writer: Writer;
  accept: Acceptor;
  /** Queues by name, opened on first use. */
  queues: Map<string, Queue>;
}

export async function openConnection(options: PipelineOptions): Promise<Connection> {
  const redis = connect(options.url, options);
  const sayFailure = createFailureLog((fields, what) => options.logger.warn(fields, what));
  redis.on('error', (error) => sayFailure('redis', {}, error));
  await reach(redis, options.url, options.logger);
  await assertFit(redis, options.disposable);
  // A service that is started while Redis is full is there when there is room; and the steward makes it.
  await setWhenFull(redis, globalKeys.config(options.configVersion), JSON.stringify(options.config));
  const configs = new Map([[options.configVersion, options.config]]);
  return { ...options, redis, sayFailure, solitude: new Solitude(), configs };
}

export function pipelineOf(connection: Connection, cell: number): Pipeline {
  const keys = cellKeys(cell);
  const { redis, config } = connection;
  const ways = { writer: createWriter(redis, keys, config.learning.labels_kept), accept: createAcceptor(redis, keys) };
  return { ...connection, cell, keys, ...ways, queues: new Map() };
}

export async function closeQueues({ queues }: Pipeline): Promise<void> {
  await Promise.all([...queues.values()].map((queue) => queue.close()));
}

export function queueOf(pipeline: Pipeline, name: string): Queue {
  const known = pipeline.queues.get(name);
  if (known) return known;
  const queue = new Queue(name, {
    connection: pipeline.redis,
    prefix: pipeline.keys.prefix,
    streams: { events: { maxLen: eventStreamLength } },
  });
  queue.on('error', (error) => pipeline.sayFailure('queue', { queue: name }, error));
  pipeline.queues.set(name, queue);
  return queue;
}
