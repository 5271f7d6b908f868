import { EventEmitter, on } from 'node:events';

import { isTerminal, ProblemError } from '@upshift/contracts';
import { readJob, readTrail } from '@upshift/queues';
import type { Cells } from '@upshift/queues';
import type { Request } from 'express';

import { openEventStream, sendHeaders } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { noSuchJob, readView } from './read-view.ts';
import type { ById, Tools } from './tools.ts';

/** `GET /v1/jobs/{id}/events`: the job's trail as it grows; an event's id is the number of its line, from 1. */
export function getJobEvents(tools: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    const after = lineOf(request);
    if ((await readJob(tools.cells.of(id), id)) === null) throw noSuchJob(id);
    if (request.method === 'HEAD') return sendHeaders(response);
    const stream = openEventStream(response);
    await follow(tools, id, after, stream);
    stream.end();
  };
}

function lineOf(request: Request<{ id: string }>): number {
  const last = request.get('Last-Event-ID') || '0';
  if (/^\d{1,9}$/.test(last)) return Number(last);
  throw new ProblemError('invalid_header', `Last-Event-ID is ${last}; it must be the id of an event of this job, a whole number`);
}

/** Listens first and reads then, so that nothing between the two is missed. Ends with the job, the client or the process. */
async function follow({ cells, feed, stopping }: Tools, id: string, after: number, stream: EventStream): Promise<void> {
  const bell = new EventEmitter();
  const { stop } = await feed.listen((news) => ('missedAfter' in news || news.job === id) && bell.emit('news'));
  let sent = after;
  try {
    const news = on(bell, 'news', { signal: AbortSignal.any([stream.closed, stopping]) });
    bell.emit('news');
    for await (const _ of news) {
      sent = await sendNews(cells, id, sent, stream);
      const record = await readJob(cells.of(id), id);
      if (record !== null && !isTerminal(record.state.status)) continue;
      // The end is read after the trail: lines that came between the two go first.
      await sendNews(cells, id, sent, stream);
      return await stream.sendInPieces({ name: 'end', data: await readView(cells, id) });
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  } finally {
    stop();
  }
}

/** Sends the lines of the trail after the first `sent`. Returns how many have been sent then. */
async function sendNews(cells: Cells, id: string, sent: number, stream: EventStream): Promise<number> {
  const news = await readTrail(cells.of(id), id, sent);
  for (const [index, entry] of news.entries())
    await stream.sendInPieces({ id: String(sent + index + 1), name: entry.event, data: entry });
  return sent + news.length;
}
