import { experimentEvents, trailEvents } from '@upshift/contracts';
import type { HistoryEntry, TrailEntry } from '@upshift/contracts';
import { missedEvents, readEvents } from '@upshift/queues';
import type { FeedEvent, FeedNews, JobNews, Pipeline } from '@upshift/queues';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';

import { EventCursor } from './event-cursor.ts';
import { openEventStream, sendHeaders } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { filterQuery, readQuery } from './list-jobs.ts';
import type { Tools } from './tools.ts';

const names = z.array(z.enum([...trailEvents, ...experimentEvents]));

const eventsQuery = z.strictObject({
  ...filterQuery,
  event: z
    .string()
    .transform((text) => text.split(','))
    .pipe(names)
    .optional(),
});

/** Whether a line of a job's trail, or of an experiment's history, is asked for. */
type Wanted = (event: FeedEvent, name: string) => boolean;

/** So many events may wait for the end of a replay. A client that needs longer for it is let go, and comes back by its last event id. */
const MOST_WAITING = 10_000;

/** A client that lets so many bytes of new events pile up is too slow: it is let go, and comes back by its last event id. */
const LONGEST_BACKLOG_BYTES = 1_000_000;

/** `GET /v1/events`: what happens to all jobs of a filter, and to experiments where jobs are not chosen, from now on or after `Last-Event-ID`, until the client leaves. */
export function getAllEvents({ cells, feed, stopping }: Omit<Tools, 'signals'>): RequestHandler {
  return async (request, response) => {
    const wanted = wantedBy(request);
    const after = request.get('Last-Event-ID') || null;
    const had = after === null ? null : EventCursor.parse(after);
    if (request.method === 'HEAD') return sendHeaders(response);
    const waiting: FeedNews[] = [];
    let sendLive: ((news: FeedNews) => void) | null = null;
    // Before the client hears that it is connected: what happens from then on is sent.
    const { stop, from } = await feed.listen((news) => {
      if (sendLive) sendLive(news);
      else if ('missedAfter' in news || linesIn(news).some((entry) => wanted(news, entry.event))) waiting.push(news);
    });
    const stream = openEventStream(response);
    stream.closed.addEventListener('abort', stop, { once: true });
    if (stream.closed.aborted) stop();
    stopping.addEventListener('abort', () => stream.end(), { once: true, signal: stream.closed });
    const cursor = had ?? EventCursor.behind(from);
    const send = (news: FeedNews): void =>
      'missedAfter' in news ? sendMissed(stream, news.missedAfter) : sendNews(stream, news, wanted, cursor);
    const sendInTurn = async (news: FeedNews): Promise<void> => {
      send(news);
      await stream.drained();
      if (waiting.length > MOST_WAITING) stream.cut();
    };
    if (had === null) stream.standAt(String(cursor));
    else for (const cell of await cells.all()) await replay(cell, stream, had, sendInTurn);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await sendInTurn(next);
    sendLive = (news) => {
      send(news);
      if (stream.backlogBytes() > LONGEST_BACKLOG_BYTES) stream.cut();
    };
  };
}

function wantedBy(request: Request): Wanted {
  const { values, metadata } = readQuery(request, eventsQuery);
  const { status, route, task, event: chosen } = values;
  const choosesJobs = [status, route, task, ...Object.values(metadata)].some((value) => value !== undefined);
  const isChosen = (event: JobNews): boolean =>
    (status === undefined || event.status === status) &&
    (route === undefined || event.route === route) &&
    (task === undefined || event.task === task) &&
    // Nobody sent a shadow: as in lists, it is seen where it is asked for.
    (event.metadata['upshift_experiment'] === undefined || metadata['upshift_experiment'] !== undefined) &&
    Object.entries(metadata).every(([key, value]) => event.metadata[key] === value);
  return (event, name) =>
    (chosen === undefined || chosen.some((one) => one === name)) && (event.job === null ? !choosesJobs : isChosen(event));
}

const REPLAYED_AT_ONCE = 200;

/** Sends what came in a cell after the cursor, as far as it is kept, and as fast as the client takes it. */
async function replay(
  cell: Pipeline,
  stream: EventStream,
  cursor: EventCursor,
  send: (news: FeedNews) => Promise<void>,
): Promise<void> {
  // Of a cell that it does not know it has had nothing.
  let after = cursor.lastOf(cell.cell) ?? '0-0';
  // The entry of the position itself may have had more lines than the client got.
  let last = before(after);
  for (let more = true; more && !stream.closed.aborted;) {
    const page = await readEvents(cell, last, REPLAYED_AT_ONCE);
    // With every page, and after it was read: while a client takes its time, what is next may go.
    if (await missedEvents(cell, after)) await send({ missedAfter: after });
    for (const event of page.events) await send(event);
    ({ last, more } = page);
    after = last;
  }
}

/** An id that is below another one and above all that come before it. */
function before(streamId: string): string {
  const [ms = 0, n = 0] = streamId.split('-').map(Number);
  return n > 0 ? `${ms}-${n - 1}` : `${Math.max(0, ms - 1)}-${Number.MAX_SAFE_INTEGER}`;
}

function sendMissed(stream: EventStream, after: string): void {
  stream.send({ name: 'events-missed', data: { after, advice: 'events are gone; GET /v1/jobs says how jobs are now' } });
}

/** Sends what the client has not had yet. */
function sendNews(stream: EventStream, event: FeedEvent, wanted: Wanted, cursor: EventCursor): void {
  const { cell, streamId } = event;
  linesIn(event).forEach((entry, index) => {
    const position = { streamId, line: event.position + index };
    if (!cursor.isBehind(cell, position) || !wanted(event, entry.event)) return;
    cursor.move(cell, position);
    stream.send({ id: String(cursor), name: entry.event, data: { ...subjectOf(event), entry } });
  });
}

function linesIn(event: FeedEvent): (TrailEntry | HistoryEntry)[] {
  return event.job === null ? [event.entry] : event.lines;
}

function subjectOf(event: FeedEvent): object {
  if (event.job === null) return { experiment: event.experiment, line: event.line };
  return { job: event.job, route: event.route, task: event.task };
}
