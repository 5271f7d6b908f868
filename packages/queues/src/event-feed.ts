import type { HistoryEntry, JobStatus, TrailEntry } from '@upshift/contracts';
import type { Redis } from 'ioredis';

import { BATCHES_KEPT } from './catalogue.ts';
import type { Cells } from './cells/cells.ts';
import { connect } from './connection.ts';
import { repliesOf } from './indexes.ts';
import type { Pipeline } from './pipeline.ts';
import { linesOf, trailFieldName } from './trail.ts';

/** Where something stands in the feed. */
interface Place {
  cell: number;
  /** The id in the cell's stream: grows, and says when. Shared by all that was written in the same batch. */
  streamId: string;
  /** How many lines of others stand before these in the batch. */
  position: number;
}

/** What one transition did to one job, with the trail lines that it wrote. */
export interface JobNews extends Place {
  job: string;
  route: string;
  task: string | null;
  status: JobStatus;
  metadata: Record<string, string>;
  lines: TrailEntry[];
}

/** A change of an experiment: a line of its history. Who heard of it may hear of it again, after a crash. */
interface ExperimentNews extends Place {
  job: null;
  experiment: string;
  /** Its number in the history, from 1. */
  line: number;
  entry: HistoryEntry;
}

export type FeedEvent = JobNews | ExperimentNews;

/** Stands for events of a cell that were gone before they were read: those after an id in its stream. */
interface EventsMissed {
  missedAfter: string;
}

export type FeedNews = FeedEvent | EventsMissed;

type Listener = (news: FeedNews) => void;

/** The live feed of all jobs: one reader of each cell per process, however many listen, and none while nobody does. */
export interface EventFeed {
  /** Calls back with every event from now on, or that some were missed, until `stop` is called. `from` has the last id of each cell that was there before. */
  listen(listener: Listener): Promise<{ stop: () => void; from: string[] }>;
  close(): void;
}

/** How long one read waits for news, in ms: also how late a reader notices that nobody listens any more. */
const BLOCK_MS = 5000;
const READ_AT_ONCE = 200;
/** Below the id of every entry. */
const NO_STREAM_ID = '0-0';
/** Pause before Redis is asked again after it did not answer. */
const RETRY_MS = 500;

export function openEventFeed(cells: Cells): EventFeed {
  const listeners = new Set<Listener>();
  const connections = new Map<number, Redis>();
  /** Of the cells that are being read: up to which id those who listen have heard. */
  const reading = new Map<number, string>();
  let closed = false;

  const connectionOf = (cell: number): Redis => {
    const redis = connections.get(cell) ?? connect(cells.url, { failFast: false });
    if (!connections.has(cell)) redis.on('error', (error) => cells.sayFailure('event feed', {}, error));
    connections.set(cell, redis);
    return redis;
  };

  const start = (pipeline: Pipeline, from: string): void => {
    if (closed || reading.has(pipeline.cell)) return;
    reading.set(pipeline.cell, from);
    void readOn(pipeline, from);
  };

  async function readOn(pipeline: Pipeline, from: string): Promise<void> {
    const redis = connectionOf(pipeline.cell);
    let last = from;
    for (;;) {
      if (closed || listeners.size === 0) {
        // In the same turn as the check: a listener that comes later starts a reader of its own.
        reading.delete(pipeline.cell);
        return;
      }
      try {
        const news = await redis.xread('COUNT', READ_AT_ONCE, 'BLOCK', BLOCK_MS, 'STREAMS', pipeline.keys.events, last);
        const entries = news?.[0]?.[1] ?? [];
        const missed = await gapBefore(pipeline, last, entries);
        const events = await withLines(pipeline, redis, entries);
        // Behind them only now: where their lines could not be read, the same entries are read again.
        last = entries.at(-1)?.[0] ?? last;
        reading.set(pipeline.cell, last);
        for (const news of [...missed, ...events]) for (const listener of listeners) listener(news);
        // A cell that was not there before: all of it is news.
        for (const cell of await cells.all()) start(cell, NO_STREAM_ID);
      } catch (error) {
        if (closed) continue;
        cells.sayFailure('event feed', {}, error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  return {
    async listen(listener) {
      const all = await cells.all();
      // The place is taken before the caller goes on: what happens from here on is heard.
      const last = await Promise.all(all.map(lastStreamId));
      // Others may have heard more while a slower cell was asked: that lies behind, or it would be told as still to come.
      const from = all.map(({ cell }, index) => laterOf(last[index]!, reading.get(cell) ?? NO_STREAM_ID));
      listeners.add(listener);
      all.forEach((cell, index) => start(cell, from[index]!));
      return { stop: () => void listeners.delete(listener), from };
    },
    close() {
      closed = true;
      for (const redis of connections.values()) redis.disconnect();
    },
  };
}

/**
 * What a reader that had come to an id missed before what it has read since. A stream that was trimmed is longer than one read: after
 * a shorter one there is no need to ask. Asked after the read: what is trimmed between the two is rather told in vain than not told.
 */
async function gapBefore(pipeline: Pipeline, last: string, entries: StreamEntry[]): Promise<EventsMissed[]> {
  return entries.length === READ_AT_ONCE && (await missedEvents(pipeline, last)) ? [{ missedAfter: last }] : [];
}

/** A piece of a cell's stream. */
interface EventPage {
  /** Oldest first, without those of forgotten jobs: there may be none of them in a page, and some in the next. */
  events: FeedEvent[];
  /** The id of its last entry. */
  last: string;
  /** Whether entries may come after it. */
  more: boolean;
}

/** The events of the entries after an id that the stream still has, at most `count` entries. */
export async function readEvents(pipeline: Pipeline, after: string, count: number): Promise<EventPage> {
  const entries = await pipeline.redis.xrange(pipeline.keys.events, `(${after}`, '+', 'COUNT', count);
  const events = await withLines(pipeline, pipeline.redis, entries);
  return { events, last: entries.at(-1)?.[0] ?? after, more: entries.length === count };
}

/** Whether the stream has lost events that came after an id. */
export async function missedEvents({ redis, keys }: Pipeline, after: string): Promise<boolean> {
  if (after === NO_STREAM_ID) return hasLost(await redis.xinfo('STREAM', keys.events).catch(() => []));
  const [oldest] = await redis.xrange(keys.events, '-', '+', 'COUNT', 1);
  return oldest !== undefined && compareIds(after, oldest[0]) < 0;
}

/** Whether a stream has fewer entries than were ever added; Redis says so from version 7 on. */
function hasLost(info: unknown): boolean {
  const fields = info as (string | number)[];
  const numberOf = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
  return fields.includes('entries-added') && numberOf('entries-added') > numberOf('length');
}

/** Stream ids are `<ms>-<n>`. */
export function compareIds(one: string, other: string): number {
  const [ms = 0, n = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherN = 0] = other.split('-').map(Number);
  return ms - otherMs || n - otherN;
}

function laterOf(one: string, other: string): string {
  return compareIds(one, other) < 0 ? other : one;
}

async function lastStreamId({ redis, keys }: Pipeline): Promise<string> {
  return (await redis.xrevrange(keys.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? NO_STREAM_ID;
}

type StreamEntry = [id: string, fields: string[]];

/** As the scripts write it: which version of which job is new, or of which jobs alike, and how many lines it has in the trail. */
type Step = [jobs: string | string[], route: string, task: string, status: JobStatus, version: string, count: number];

/** A change of an experiment stands in the first cell's stream as it is. */
type Change = Pick<ExperimentNews, 'experiment' | 'line' | 'entry'>;

/** Tells all who listen of a change of an experiment. */
export async function tellChange({ redis, keys }: Pipeline, change: Change): Promise<void> {
  await redis.xadd(keys.events, 'MAXLEN', '~', BATCHES_KEPT, '*', 'experiment', JSON.stringify(change));
}

function changesIn(cell: number, entries: StreamEntry[]): ExperimentNews[] {
  return entries.flatMap(([streamId, [kind, text = '']]) =>
    kind === 'experiment' ? [{ ...(JSON.parse(text) as Change), job: null, cell, streamId, position: 0 }] : [],
  );
}

async function withLines(pipeline: Pipeline, redis: Redis, entries: StreamEntry[]): Promise<FeedEvent[]> {
  const changes = changesIn(pipeline.cell, entries);
  const steps = await stepsWithLines(pipeline, redis, entries);
  if (changes.length === 0) return steps;
  return [...steps, ...changes].toSorted((one, other) => compareIds(one.streamId, other.streamId));
}

/** The lines themselves stand in the trails. Those of forgotten jobs are left out. Throws where Redis does not say one: left out, it would never be sent. */
async function stepsWithLines({ keys, cell }: Pipeline, redis: Redis, entries: StreamEntry[]): Promise<JobNews[]> {
  const found = entries.flatMap(([streamId, [kind, steps = '[]']]) =>
    kind === 'steps' ? stepsOf(streamId, JSON.parse(steps) as Step[]) : [],
  );
  if (found.length === 0) return [];
  const read = redis.pipeline();
  for (const { job, version } of found)
    read.hmget(keys.job(job), 'metadata', trailFieldName(version), ...(version === '0' ? ['state'] : []));
  const replies = await repliesOf<(string | null)[]>(read);
  return found.flatMap((event, index) => {
    const [metadata, field = null, state = null] = replies[index]!;
    const lines = linesOf(event.job, field, state);
    if (lines.length === 0) return [];
    return [{ ...event, cell, metadata: JSON.parse(metadata ?? '{}') as Record<string, string>, lines }];
  });
}

function stepsOf(streamId: string, steps: Step[]) {
  let position = 0;
  return steps.flatMap(([jobs, route, task, status, version, count]) =>
    [jobs].flat().map((job) => {
      const event = { streamId, position, job, route, task: task || null, status, version };
      position += count;
      return event;
    }),
  );
}
