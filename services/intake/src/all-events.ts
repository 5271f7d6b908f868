import { ProblemError, trailEvents } from '@upshift/contracts';
import { compareIds, missedEvents, readEvents } from '@upshift/queues';
import type { FeedEvent, Pipeline } from '@upshift/queues';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';

import { openEventStream } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { filterQuery, readQuery } from './list-jobs.ts';
import type { Tools } from './tools.ts';

const names = z.array(z.enum(trailEvents));

const eventsQuery = z.strictObject({
  ...filterQuery,
  event: z
    .string()
    .transform((text) => text.split(','))
    .pipe(names)
    .optional(),
});

/** Whether a line of a job's trail is asked for. */
type Wanted = (event: FeedEvent, name: string) => boolean;

/** `GET /v1/events`: what happens to all jobs of a filter, from now on or after `Last-Event-ID`, until the client leaves. */
export function getAllEvents({ pipeline, feed, stopping }: Tools): RequestHandler {
  return async (request, response) => {
    const wanted = wantedBy(request);
    const after = lastEventOf(request);
    const waiting: FeedEvent[] = [];
    let live = false;
    let stream: EventStream | null = null;
    // Before the client hears that it is connected: what happens from then on is sent.
    const unlisten = await feed.listen((event) => (live && stream ? send(stream, event, wanted, -1) : waiting.push(event)));
    stream = openEventStream(response);
    stream.closed.addEventListener('abort', unlisten, { once: true });
    if (stream.closed.aborted) unlisten();
    stopping.addEventListener('abort', () => stream?.end(), { once: true });
    const last = after === null ? '0-0' : await replay(pipeline, stream, after, wanted);
    live = true;
    for (const event of waiting) if (compareIds(event.streamId, last) > 0) send(stream, event, wanted, -1);
  };
}

function wantedBy(request: Request): Wanted {
  const { values, metadata } = readQuery(request, eventsQuery);
  const { status, route, task, event: chosen } = values;
  return (event, name) =>
    (chosen === undefined || chosen.some((one) => one === name)) &&
    (status === undefined || event.status === status) &&
    (route === undefined || event.route === route) &&
    (task === undefined || event.task === task) &&
    // Nobody sent a shadow: as in lists, it is seen where it is asked for.
    (event.metadata['upshift_experiment'] === undefined || metadata['upshift_experiment'] !== undefined) &&
    Object.entries(metadata).every(([key, value]) => event.metadata[key] === value);
}

interface Position {
  streamId: string;
  line: number;
}

/** An event's id is `<id in Redis's stream>.<line of that entry>`. */
function lastEventOf(request: Request): Position | null {
  const last = request.get('Last-Event-ID');
  if (last === undefined || last === '') return null;
  const [, streamId, line] = /^(\d{1,15}-\d{1,9})\.(\d{1,6})$/.exec(last) ?? [];
  if (streamId !== undefined && line !== undefined) return { streamId, line: Number(line) };
  throw new ProblemError(
    'invalid_header',
    `Last-Event-ID is ${last.slice(0, 100)}; it must be the id of an event of GET /v1/events`,
  );
}

const REPLAYED_AT_ONCE = 200;

/** Sends what came after a position, as far as it is kept. Returns the id of the last entry that it read. */
async function replay(pipeline: Pipeline, stream: EventStream, after: Position, wanted: Wanted): Promise<string> {
  if (await missedEvents(pipeline, after.streamId)) {
    stream.send({
      name: 'events-missed',
      data: { after: after.streamId, advice: 'events are gone; GET /v1/jobs says how jobs are now' },
    });
  }
  // The entry of the position itself may have had more lines than the client got.
  let last = before(after.streamId);
  for (;;) {
    const events = await readEvents(pipeline, last, REPLAYED_AT_ONCE);
    for (const event of events) send(stream, event, wanted, event.streamId === after.streamId ? after.line : -1);
    last = events.at(-1)?.streamId ?? last;
    if (events.length < REPLAYED_AT_ONCE || stream.closed.aborted) return last;
  }
}

/** An id that is below another one and above all that come before it. */
function before(streamId: string): string {
  const [ms = 0, n = 0] = streamId.split('-').map(Number);
  return n > 0 ? `${ms}-${n - 1}` : `${Math.max(0, ms - 1)}-${Number.MAX_SAFE_INTEGER}`;
}

function send(stream: EventStream, event: FeedEvent, wanted: Wanted, afterLine: number): void {
  event.lines.forEach((entry, index) => {
    const line = event.position + index;
    if (line <= afterLine || !wanted(event, entry.event)) return;
    const data = { job: event.job, route: event.route, task: event.task, entry };
    stream.send({ id: `${event.streamId}.${line}`, name: entry.event, data });
  });
}
