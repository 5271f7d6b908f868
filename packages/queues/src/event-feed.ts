import type { JobStatus, TrailEntry } from '@upshift/contracts';
import type { Redis } from 'ioredis';

import { connect } from './connection.ts';
import { linesOf } from './job-store.ts';
import type { Pipeline } from './pipeline.ts';

/** What one transition did to one job, with the trail lines that it wrote. */
export interface FeedEvent {
  /** The stream's id: grows, and says when. Shared by all that was written in the same batch. */
  streamId: string;
  /** How many lines of other jobs stand before this one's in the batch. */
  position: number;
  job: string;
  route: string;
  task: string | null;
  status: JobStatus;
  metadata: Record<string, string>;
  /** The number of the first line in the job's trail, from 1. */
  from: number;
  lines: TrailEntry[];
}

type Listener = (event: FeedEvent) => void;

/** The live feed of all jobs of a cell: one reader per process, however many listen, and none while nobody does. */
export interface EventFeed {
  /** Calls back with every event from now on, until the returned function is called. */
  listen(listener: Listener): Promise<() => void>;
  close(): void;
}

/** How long one read waits for news, in ms: also how late a reader notices that nobody listens any more. */
const BLOCK_MS = 5000;
const READ_AT_ONCE = 200;
/** Pause before Redis is asked again after it did not answer. */
const RETRY_MS = 500;

export function openEventFeed(pipeline: Pipeline): EventFeed {
  const listeners = new Set<Listener>();
  const redis = connect(pipeline.url, { failFast: false });
  redis.on('error', (error) => pipeline.logger.warn({ reason: error.message }, 'event feed'));
  let reading = false;
  let closed = false;

  async function readOn(from: string): Promise<void> {
    let last = from;
    for (;;) {
      if (closed || listeners.size === 0) {
        // In the same turn as the check: a listener that comes later starts a reader of its own.
        reading = false;
        return;
      }
      try {
        const news = await redis.xread('COUNT', READ_AT_ONCE, 'BLOCK', BLOCK_MS, 'STREAMS', pipeline.keys.events, last);
        const entries = news?.[0]?.[1] ?? [];
        last = entries.at(-1)?.[0] ?? last;
        for (const event of await withLines(pipeline, redis, entries)) {
          for (const listener of listeners) listener(event);
        }
      } catch (error) {
        if (closed) continue;
        pipeline.logger.warn({ reason: String(error) }, 'event feed');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  return {
    async listen(listener) {
      // The place is taken before the caller goes on: what happens from here on is heard.
      const last = await lastStreamId(pipeline);
      listeners.add(listener);
      if (!reading) {
        reading = true;
        void readOn(last);
      }
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      redis.disconnect();
    },
  };
}

/** The events after an id that the stream still has, oldest first, at most `count`. */
export async function readEvents(pipeline: Pipeline, after: string, count: number): Promise<FeedEvent[]> {
  return withLines(pipeline, pipeline.redis, await pipeline.redis.xrange(pipeline.keys.events, `(${after}`, '+', 'COUNT', count));
}

/** Whether the stream has lost events that came after an id. */
export async function missedEvents({ redis, keys }: Pipeline, after: string): Promise<boolean> {
  const [oldest] = await redis.xrange(keys.events, '-', '+', 'COUNT', 1);
  return oldest !== undefined && compareIds(after, oldest[0]) < 0;
}

/** Stream ids are `<ms>-<n>`. */
export function compareIds(one: string, other: string): number {
  const [ms = 0, n = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherN = 0] = other.split('-').map(Number);
  return ms - otherMs || n - otherN;
}

async function lastStreamId({ redis, keys }: Pipeline): Promise<string> {
  return (await redis.xrevrange(keys.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0';
}

type StreamEntry = [id: string, fields: string[]];

/** As the scripts write it: which lines of which trail, or of which trails alike, are new. */
type Step = [jobs: string | string[], route: string, task: string, status: JobStatus, from: number, count: number];

/** The lines themselves stand in the trails. Those of forgotten jobs are left out. */
async function withLines({ keys }: Pipeline, redis: Redis, entries: StreamEntry[]): Promise<FeedEvent[]> {
  const found = entries.flatMap(([streamId, [, steps = '[]']]) => stepsOf(streamId, JSON.parse(steps) as Step[]));
  if (found.length === 0) return [];
  const read = redis.pipeline();
  for (const { job, from, count } of found) {
    read.hmget(keys.job(job), 'metadata', 'state');
    read.lrange(keys.trail(job), from - 1, from + count - 2);
  }
  const replies = (await read.exec()) ?? [];
  return found.flatMap(({ count, ...event }, index) => {
    const [metadata = null, state = null] = (replies[2 * index]?.[1] ?? []) as (string | null)[];
    const stored = (replies[2 * index + 1]?.[1] ?? []) as string[];
    const lines = linesOf(event.job, state, stored, event.from - 1).slice(0, count);
    if (lines.length === 0) return [];
    return [{ ...event, metadata: JSON.parse(metadata ?? '{}') as Record<string, string>, lines }];
  });
}

function stepsOf(streamId: string, steps: Step[]) {
  let position = 0;
  return steps.flatMap(([jobs, route, task, status, from, count]) =>
    [jobs].flat().map((job) => {
      const event = { streamId, position, job, route, task: task || null, status, from, count };
      position += count;
      return event;
    }),
  );
}
